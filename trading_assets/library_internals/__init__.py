"""Uses of private APIs of libraries: one module per library, each name with the reason why it is needed.

Here lives everything that a library does not promise to keep, with what a public API would have to offer instead; its
tests fail when the library changes it. Do **not** import a private name of a library anywhere else, and do not put
public APIs, however unusual, or domain code here.
"""
