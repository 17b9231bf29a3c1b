"""
The compiled part, and nothing else: setup.cfg has the rest.  It is optional:
without a compiler, or without Cython, pbext is all Python, and slower.
"""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "pbext.wire._fast",
            ["pbext/wire/_fast.pyx"],
            # More takes twice as long to compile and runs no faster.
            extra_compile_args=["-O2", "-g0"],
            optional=True,
        )
    ]
)
