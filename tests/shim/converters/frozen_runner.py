"""Frozen graph imported under a prefix and run, as detectors' demos do."""

import os
import sys

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()


class Detector:
    def __init__(self, frozen, prefix):
        self.graph = tf.Graph()
        with self.graph.as_default():
            od_graph_def = tf.GraphDef()
            with tf.gfile.GFile(frozen, "rb") as fid:
                serialized_graph = fid.read()
                od_graph_def.ParseFromString(serialized_graph)
                tf.import_graph_def(od_graph_def, name=prefix)
        self.prefix = prefix + "/" if prefix else ""
        gpu_options = tf.GPUOptions(allow_growth=True)
        self.sess = tf.Session(graph=self.graph, config=tf.ConfigProto(gpu_options=gpu_options))

    def run(self, image):
        ops = self.graph.get_operations()
        all_tensor_names = {output.name for op in ops for output in op.outputs}
        tensor_dict = {}
        for key in ["probabilities", "boxes", "dense/BiasAdd"]:
            tensor_name = f"{self.prefix}{key}:0"
            if tensor_name in all_tensor_names:
                tensor_dict[key] = self.graph.get_tensor_by_name(tensor_name)
        image_tensor = self.graph.get_tensor_by_name(f"{self.prefix}image:0")
        return self.sess.run(tensor_dict, feed_dict={image_tensor: np.expand_dims(image, 0)})

    def close(self):
        self.sess.close()


found = {}
for prefix in ("", "import"):
    detector = Detector(sys.argv[1], prefix)
    result = detector.run(np.linspace(0, 1, 784, dtype=np.float32).reshape(28, 28, 1))
    print(sorted(result), {k: v.shape for k, v in sorted(result.items())})
    found |= {f"{prefix}.{k.replace('/', '_')}": v for k, v in result.items()}
    detector.close()
np.savez(os.path.join(sys.argv[2], "computed.npz"), **found)
