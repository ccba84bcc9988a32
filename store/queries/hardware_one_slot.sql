-- In place of `hardware_slot` where all calls have the first: to work it out of each takes a quarter of the time. An expression.
0
