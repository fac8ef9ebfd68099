"""Drills: a served project under load, faults put in on purpose, and what the clients saw counted.

Each drill is a function of its size; the suite runs the short form, ``make drills`` the long one.
"""
