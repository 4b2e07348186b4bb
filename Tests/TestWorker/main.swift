import Futures
import TestFunctions

WorkerProcess.runIfSpawned(testRegistry)
print("this program is a worker for the tests; a pool starts it")
