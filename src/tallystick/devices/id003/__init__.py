"""ID003, the protocol of JCM's bill validators: frames, the driver, and a simulated device."""
