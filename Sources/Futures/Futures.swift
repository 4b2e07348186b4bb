// Futures
