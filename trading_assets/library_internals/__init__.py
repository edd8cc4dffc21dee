"""Uses of private APIs of libraries, and of behaviour that a release may change: one module per library.

What lives here: everything that a library does not promise to keep, each name with the reason why it is needed and what
a public API would have to offer instead. The tests of this package run against the installed library and fail when a
release changes what is relied on.
What not: code that documented names can do, and anything that knows a stage of the desk.
"""
