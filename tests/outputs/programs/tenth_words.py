"""A tenth blind set, of texts: written before the rules of its time were read."""


def _cells(tf, size):
    return tf.nn.rnn_cell.GRUCell(size), tf.nn.rnn_cell.GRUCell(size)


def bags_of_letters(tf):
    """fastText: an average of embeddings, classes by a linear layer, sampled in training."""
    ids = tf.placeholder(tf.int32, [None, 20], "input_x")
    label = tf.placeholder(tf.int64, [None], "input_y")
    table = tf.get_variable("Embedding", [500, 16])
    mean = tf.reduce_mean(tf.nn.embedding_lookup(table, ids), 1)
    w, b = tf.get_variable("W", [16, 40]), tf.get_variable("b", [40])
    logits = tf.matmul(mean, w) + b
    loss = tf.reduce_mean(tf.nn.nce_loss(tf.transpose(w), b, tf.expand_dims(label, 1), mean, 5, 40))
    tf.train.AdamOptimizer(0.01).minimize(loss)
    predictions = tf.argmax(logits, 1, name="predictions")
    tf.reduce_mean(tf.cast(tf.equal(predictions, label), tf.float32), name="Accuracy")
    return [[predictions, logits]]


def deep_pyramid(tf):
    """DPCNN: blocks that halve the text, sentiment as one number."""
    ids = tf.placeholder(tf.int32, [None, 32], "review")
    y = tf.placeholder(tf.float32, [None], "polarity")
    rate = tf.placeholder(tf.float32, name="dropout_rate")
    h = tf.layers.conv1d(
        tf.nn.embedding_lookup(tf.get_variable("emb", [300, 16]), ids), 16, 3, padding="same"
    )
    for i in range(2):
        h = tf.layers.max_pooling1d(h, 3, 2, "same")
        h += tf.layers.conv1d(tf.nn.relu(h), 16, 3, padding="same", name=f"block{i}")
    h = tf.nn.dropout(tf.reduce_max(h, 1), rate=rate)
    logit = tf.squeeze(tf.layers.dense(h, 1), 1)
    score = tf.sigmoid(logit)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logit))
    tf.train.AdagradOptimizer(0.1).minimize(loss)
    tf.metrics.auc(y, score)
    return [[score, logit]]


def inference_enhanced(tf):
    """ESIM: two sentences aligned softly, compared, pooled, three classes."""
    p, h = (
        tf.placeholder(tf.int32, [None, 12], "premise"),
        tf.placeholder(tf.int32, [None, 12], "hypothesis"),
    )
    gold = tf.placeholder(tf.int32, [None], "label")
    table = tf.get_variable("words", [400, 16], trainable=False)

    def encode(x, scope):
        with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
            out, _ = tf.nn.bidirectional_dynamic_rnn(*_cells(tf, 8), x, dtype=tf.float32)
            return tf.concat(out, 2)

    a, b = encode(tf.gather(table, p), "enc"), encode(tf.gather(table, h), "enc")
    e = tf.matmul(a, b, transpose_b=True)
    a2, b2 = tf.matmul(tf.nn.softmax(e), b), tf.matmul(tf.nn.softmax(tf.transpose(e, [0, 2, 1])), a)
    pooled = []
    for x, x2 in ((a, a2), (b, b2)):
        v = encode(tf.concat([x, x2, x - x2, x * x2], 2), "compose")
        pooled += [tf.reduce_mean(v, 1), tf.reduce_max(v, 1)]
    logits = tf.layers.dense(tf.layers.dense(tf.concat(pooled, 1), 16, tf.tanh), 3)
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=gold, logits=logits)
    )
    opt = tf.train.AdamOptimizer(4e-4)
    grads, names = zip(*opt.compute_gradients(loss), strict=True)
    clipped, _ = tf.clip_by_global_norm(grads, 10.0)
    opt.apply_gradients(zip(clipped, names, strict=True))
    right = tf.nn.in_top_k(logits, gold, 1)
    tf.reduce_mean(tf.cast(right, tf.float32))
    return [[logits]]


def spans_by_blocks(tf):
    """QANet: starts and ends over the passage, the best span by an upper triangle."""
    c, q = (
        tf.placeholder(tf.int32, [None, 30], "context"),
        tf.placeholder(tf.int32, [None, 10], "question"),
    )
    y1, y2 = (
        tf.placeholder(tf.float32, [None, 30], "answer_s"),
        tf.placeholder(tf.float32, [None, 30], "answer_e"),
    )
    table = tf.get_variable("word_mat", [300, 16])

    def block(x, name):
        with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
            x += tf.layers.conv1d(x, 16, 5, padding="same", activation=tf.nn.relu)
            k = tf.layers.dense(x, 16)
            return x + tf.matmul(tf.nn.softmax(tf.matmul(k, x, transpose_b=True) / 4.0), x)

    c, q = block(tf.gather(table, c), "encoder"), block(tf.gather(table, q), "encoder")
    s = tf.nn.softmax(tf.matmul(c, q, transpose_b=True))
    m = tf.layers.dense(tf.concat([c, tf.matmul(s, q), c * tf.matmul(s, q)], 2), 16)
    m1 = block(m, "model")
    m2 = block(m1, "model")
    m3 = block(m2, "model")
    start = tf.squeeze(tf.layers.dense(tf.concat([m1, m2], 2), 1, name="start"), 2)
    end = tf.squeeze(tf.layers.dense(tf.concat([m1, m3], 2), 1, name="end"), 2)
    outer = tf.matmul(
        tf.expand_dims(tf.nn.softmax(start), 2), tf.expand_dims(tf.nn.softmax(end), 1)
    )
    outer = tf.matrix_band_part(outer, 0, 15)
    yp1 = tf.argmax(tf.reduce_max(outer, 2), 1)
    yp2 = tf.argmax(tf.reduce_max(outer, 1), 1)
    cross = tf.nn.softmax_cross_entropy_with_logits_v2
    loss = tf.reduce_mean(cross(logits=start, labels=y1) + cross(logits=end, labels=y2))
    tf.train.AdamOptimizer(1e-3, epsilon=1e-7).minimize(loss)
    return [[yp1, start], [yp2, end]]


def texts_from_codes(tf):
    """A variational autoencoder of sentences, its decoder also let run on its own words."""
    x = tf.placeholder(tf.int32, [8, 10], "encoder_input")
    shifted = tf.placeholder(tf.int32, [8, 10], "decoder_input")
    weight = tf.placeholder(tf.float32, [], "kl_weight")
    table = tf.get_variable("embedding", [100, 16])
    enc, cell = _cells(tf, 16)
    _, last = tf.nn.dynamic_rnn(enc, tf.gather(table, x), dtype=tf.float32, scope="encoder")
    mu, log_sigma = tf.layers.dense(last, 4), tf.layers.dense(last, 4)
    z = mu + tf.exp(log_sigma) * tf.random_normal([8, 4])
    first = tf.layers.dense(z, 16, tf.tanh, name="to_state")
    project = tf.layers.Dense(100, name="vocab")
    with tf.variable_scope("decoder"):
        state, outs = first, []
        for t in range(10):
            out, state = cell(tf.gather(table, shifted[:, t]), state)
            outs.append(project(out))
        state, word, words = first, tf.zeros([8], tf.int32), []
        for _ in range(10):
            out, state = cell(tf.gather(table, word), state)
            word = tf.argmax(project(out), 1, output_type=tf.int32)
            words.append(word)
    generated = tf.stack(words, 1, name="generated")
    logits = tf.stack(outs, 1)
    rec = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=x, logits=logits))
    kl = -0.5 * tf.reduce_mean(1 + 2 * log_sigma - tf.square(mu) - tf.exp(2 * log_sigma))
    tf.train.AdamOptimizer(1e-3).minimize(rec + weight * kl)
    return [[generated], [logits], [z, mu]]


def turns_tracked(tf):
    """Dialogue states: a classifier a slot over one encoding, and whether the user asks."""
    ids = tf.placeholder(tf.int32, [None, 16], "utterance")
    slots = {"food": 6, "area": 5, "price": 4}
    gold = {k: tf.placeholder(tf.int32, [None], f"gold_{k}") for k in slots}
    asks = tf.placeholder(tf.float32, [None, 3], "gold_request")
    out, _ = tf.nn.bidirectional_dynamic_rnn(
        *_cells(tf, 8),
        tf.nn.embedding_lookup(tf.get_variable("e", [200, 16]), ids),
        dtype=tf.float32,
    )
    state = tf.reduce_max(tf.concat(out, 2), 1)
    loss, heads = 0.0, []
    for name, size in slots.items():
        logits = tf.layers.dense(state, size, name=f"logits_{name}")
        heads.append([tf.nn.softmax(logits, name=f"belief_{name}"), logits])
        loss += tf.losses.sparse_softmax_cross_entropy(gold[name], logits)
    request = tf.layers.dense(state, 3, name="logits_request")
    heads.append([tf.sigmoid(request, name="requested"), request])
    loss += tf.losses.sigmoid_cross_entropy(asks, request)
    tf.train.AdamOptimizer().minimize(loss)
    return heads


def letters_then_words(tf):
    """Segmented words of a language without spaces, by convolutions and viterbi outside."""
    chars = tf.placeholder(tf.int32, [None, None], "char_inputs")
    targets = tf.placeholder(tf.int32, [None, None], "targets")
    keep = tf.placeholder(tf.float32, name="dropout_keep")
    lengths = tf.reduce_sum(tf.sign(tf.abs(chars)), 1)
    x = tf.nn.dropout(tf.nn.embedding_lookup(tf.get_variable("c", [300, 16]), chars), keep)
    for i in range(2):
        gate = tf.layers.conv1d(x, 32, 3, padding="same", name=f"glu{i}")
        a, b = tf.split(gate, 2, 2)
        x = a * tf.sigmoid(b)
    scores = tf.layers.dense(x, 4, name="tag_scores")
    mask = tf.sequence_mask(lengths, tf.shape(chars)[1], tf.float32)
    cross = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=scores)
    loss = tf.reduce_sum(cross * mask) / tf.reduce_sum(mask)
    tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True).minimize(loss)
    return [[scores]]


def generated_by_rewards(tf):
    """SeqGAN's generator: tokens drawn in a loop, and trained on rewards that are fed."""
    x = tf.placeholder(tf.int32, [4, 6], "x")
    rewards = tf.placeholder(tf.float32, [4, 6], "rewards")
    table = tf.get_variable("g_embeddings", [50, 8])
    cell, project = tf.nn.rnn_cell.LSTMCell(8, name="g_cell"), tf.layers.Dense(50, name="g_out")
    tokens = tf.TensorArray(tf.int32, 6)

    def draw(i, token, c, h, found):
        out, (c, h) = cell(tf.gather(table, token), tf.nn.rnn_cell.LSTMStateTuple(c, h))
        token = tf.cast(
            tf.reshape(tf.multinomial(tf.nn.log_softmax(project(out)), 1), [4]), tf.int32
        )
        return i + 1, token, c, h, found.write(i, token)

    start = (0, tf.zeros([4], tf.int32), tf.zeros([4, 8]), tf.zeros([4, 8]), tokens)
    *_, found = tf.while_loop(lambda i, *_: i < 6, draw, start)
    gen_x = tf.transpose(found.stack())
    inputs = tf.concat([tf.zeros([4, 1], tf.int32), x[:, :-1]], 1)
    out, _ = tf.nn.dynamic_rnn(cell, tf.gather(table, inputs), dtype=tf.float32)
    predictions = tf.nn.softmax(project(out))
    picked = tf.reduce_sum(tf.one_hot(x, 50) * tf.log(tf.clip_by_value(predictions, 1e-20, 1.0)), 2)
    tf.train.AdamOptimizer(0.01).minimize(-tf.reduce_sum(picked) / 24.0)
    opt = tf.train.AdamOptimizer(0.01)
    grads = tf.gradients(-tf.reduce_sum(picked * rewards), v := tf.trainable_variables())
    opt.apply_gradients(zip(tf.clip_by_global_norm(grads, 5.0)[0], v, strict=True))
    return [[gen_x], [predictions, predictions.op.inputs[0]]]
