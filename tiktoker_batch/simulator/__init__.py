"""A loopback server that speaks the providers' protocols: latencies, prices, faults, and a ledger of what was paid."""
