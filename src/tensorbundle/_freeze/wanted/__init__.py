"""What is wanted of a freeze: the request, the outputs chosen and found, the cuts at inputs."""
