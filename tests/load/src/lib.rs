//! Benchmarks against real peers, printed as ratios
