"""Learnt approximations of inverses, for the iterations of `surecast.simulate.linear`."""
