"""What several benchmarks need: databases, hand-written SQL to compare with, jobs, and timing."""
