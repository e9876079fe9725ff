"""The vocabulary that the app which deploys the platform and the code which runs it share."""
