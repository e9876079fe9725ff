"""What a stage costs in a month.

inventory (what the templates hold) + workload (what is done at a volume) -> lines -> estimate
"""
