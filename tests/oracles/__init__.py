"""Slow, literal re-statements of every formula, none of which imports the library.

literal   one function per named plan, in plain floats, with the loops and recursions of its source
exact     the same plans in closed form by mpmath at 50 digits
tree      a plan as a neutral tree: written to text and read from text without the library
evaluate  binds and evaluates a neutral tree by the rules of the design, exactly
plateau   the counting rules of two plateau listeners, transcribed
"""
