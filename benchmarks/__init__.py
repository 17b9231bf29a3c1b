"""
What pbext costs, beside stock Perspective Broker: C{python -m benchmarks}.

Every figure is a ratio, taken between processes that did the same job one
after the other.  Nothing in here is installed.
"""
