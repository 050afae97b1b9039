"""Programs fed in every way: queues, datasets, rates without names, ranges (see `programs.py`)."""


def queue_of_placeholders(tf):
    """An enqueuing thread feeds placeholders, the network takes batches out of the queue."""
    image = tf.placeholder(tf.float32, [12], name="image_in")
    label = tf.placeholder(tf.int32, [], name="label_in")
    queue = tf.FIFOQueue(16, [tf.float32, tf.int32], [[12], []])
    queue.enqueue([image, label])
    images, labels = queue.dequeue_many(4)
    logits = tf.layers.dense(tf.layers.dense(images, 8, tf.nn.relu), 3)
    loss = tf.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    tf.train.AdamOptimizer().minimize(loss)
    return [[logits]]


def dataset_of_placeholders(tf):
    """An initializable iterator over arrays that are fed once."""
    features = tf.placeholder(tf.float32, [None, 6], name="src_placeholder")
    labels = tf.placeholder(tf.float32, [None, 1], name="tgt_placeholder")
    dataset = tf.data.Dataset.from_tensor_slices((features, labels)).batch(4)
    x, y = tf.data.make_initializable_iterator(dataset).get_next()
    out = tf.layers.dense(tf.layers.dense(x, 8, tf.nn.relu), 1)
    tf.train.AdamOptimizer().minimize(tf.reduce_mean(tf.square(out - y)))
    return [[out]]


def one_shot(tf):
    """A one-shot iterator: a resource in the graph, not something to feed."""
    dataset = tf.data.Dataset.from_tensor_slices(([[0.0] * 6] * 8, [1] * 8)).repeat().batch(4)
    x, y = tf.data.make_one_shot_iterator(dataset).get_next()
    logits = tf.layers.dense(x, 3)
    tf.train.AdamOptimizer().minimize(tf.losses.sparse_softmax_cross_entropy(y, logits))
    return [[logits]]


def nameless_rate(tf):
    """Dropout as TensorFlow 1 wrote it: what is kept has neither a name nor a rank."""
    x = tf.placeholder(tf.float32, [None, 10])
    y = tf.placeholder(tf.float32, [None, 2])
    kept = tf.placeholder(tf.float32)
    h = tf.layers.dense(x, 8, tf.nn.relu)
    dropped = tf.div(h, kept) * tf.floor(tf.add(kept, tf.random_uniform(tf.shape(h))))
    h = tf.reshape(dropped, [-1, 8])
    out = tf.layers.dense(h, 2)
    tf.train.AdamOptimizer().minimize(tf.losses.mean_squared_error(y, out))
    return [[out]]


def folded_and_quantized(tf):
    """Batch norm folded into weights, weights and activations through ranges that move."""

    def moving(x, scope):
        with tf.variable_scope(scope):
            lo = tf.get_variable(
                "min", [], initializer=tf.constant_initializer(-6.0), trainable=False
            )
            hi = tf.get_variable(
                "max", [], initializer=tf.constant_initializer(6.0), trainable=False
            )
            lo = tf.assign_sub(lo, 0.01 * (lo - tf.reduce_min(x)), name="AssignMinEma")
            hi = tf.assign_sub(hi, 0.01 * (hi - tf.reduce_max(x)), name="AssignMaxEma")
            return tf.quantization.fake_quant_with_min_max_vars(x, lo, hi)

    image = tf.placeholder(tf.float32, [None, 16, 16, 3], name="pixels")
    truth = tf.placeholder(tf.int64, [None], name="truth")
    v = image
    for i, n in enumerate((8, 8, 8, 4)):
        with tf.variable_scope(f"Conv_{i}"):
            w = tf.get_variable("weights", [3, 3, int(v.shape[-1]), n])
            gamma, beta = tf.get_variable("gamma", [n]), tf.get_variable("beta", [n])
            mean = tf.get_variable("moving_mean", [n], trainable=False)
            var = tf.get_variable("moving_variance", [n], trainable=False)
            scale = gamma * tf.rsqrt(var + 1e-3)
            v = tf.nn.conv2d(v, moving(w * scale, "weights_quant"), [1, 2, 2, 1], "SAME")
            v = moving(tf.nn.relu6(v + (beta - mean * scale)), "act_quant")
    logits = tf.reduce_mean(v, [1, 2])
    probs = tf.nn.softmax(logits)
    tf.train.GradientDescentOptimizer(0.01).minimize(
        tf.losses.sparse_softmax_cross_entropy(truth, logits)
    )
    return [[probs, logits]]
