"""Who the customer is: what law and policy ask, what was shown, one person over all machines."""
