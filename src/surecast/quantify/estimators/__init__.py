"""Estimators, one file each: plain Monte Carlo, scrambled Sobol points, control variates, importance sampling."""
