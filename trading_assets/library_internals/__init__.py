"""Uses of what a library does not document: private names, and behaviour that a release may change.

What lives here: one module per library; each function says why the documented way does not do. The tests of this
package run against the installed library and fail when a release changes what is relied on.
What not: code that documented names can do, and anything that knows a stage of the desk.
"""
