-- In place of `call_filters` where none is given: to bind them takes a quarter of the time of planning. A condition.
true
