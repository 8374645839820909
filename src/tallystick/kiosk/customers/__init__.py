"""Who the customer is: what law and policy ask, what was shown, and one person over all machines."""
