"""Load for measurements: an upstream and a client that cost little, and the CPU time of the processes between them."""
