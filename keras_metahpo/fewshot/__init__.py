"""Few-shot learning with Keras: episodes, learners, training and evaluation."""
