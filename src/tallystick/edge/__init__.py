"""The process inside a kiosk: its journal, its devices, its link to the server, its screen."""
