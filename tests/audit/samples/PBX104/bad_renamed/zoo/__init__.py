from zoo.ponds import Frog
