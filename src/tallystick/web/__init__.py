"""The server's faces: the machine API, sign-in, and the server process that carries them."""
