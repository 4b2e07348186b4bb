import Futures

// The two deadlocks of Python's documentation of thread pools, each with the time limit that ends it, and three ways to
// write the same without waiting in a task. docs/deadlocks.md explains them.

try showTasksThatWaitForEachOther()
try showTaskThatWaitsForItsOwnPool()
try showCombiningInTheCaller()
try showContinuingInACallback()
try showContinuingAsTheyComplete()
