"""The deterministic simulation: the real engine and store, a virtual clock, everything else in memory and hostile.

One seed is one world: sources publish, correct and withdraw; editors edit and delete; answers are lost, late, cut or
wrong; clocks jump; the process dies at any effect. Then everything heals, and what is there is counted from what the
sources showed and what the CMS wrote down, never from what syncd believes of itself.
"""
