"""SQL files by the engine or the layer that runs them."""
