"""Operations of TensorFlow: their facts, edges, ports, and the types of what comes out."""
