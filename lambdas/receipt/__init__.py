"""The receipt Lambda: what a run did and cost, read from the run's own history.

handler -> history    the events of an execution as visits, tasks and their results; pure
        -> receipt    the figures, the dollars, the row of gold's table; pure
"""
