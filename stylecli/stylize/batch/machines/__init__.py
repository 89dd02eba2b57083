"""A batch on many machines: leases on a shared folder, Open Job Description, Ray."""
