"""Sequences of all kinds, by a second author, the truth written first (see `programs.py`)."""


def semantic_twins(tf):
    """DSSM: queries and documents, cosines with negatives of the same batch."""
    with tf.name_scope("input"):
        query = tf.placeholder(tf.float32, shape=[4, 30], name="QueryBatch")
        doc = tf.placeholder(tf.float32, shape=[4, 30], name="DocBatch")

    def layer(x, size, name):
        with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
            w = tf.get_variable("w", [int(x.shape[1]), size])
            return tf.nn.relu(tf.matmul(x, w) + tf.get_variable("b", [size]))

    query_y = layer(layer(query, 20, "L1"), 8, "L2")
    doc_y = layer(layer(doc, 20, "L1"), 8, "L2")
    with tf.name_scope("FD_rotate"):
        temp = tf.tile(doc_y, [1, 1])
        for i in range(2):
            rotated = tf.concat(
                [tf.slice(temp, [i + 1, 0], [3 - i, -1]), tf.slice(temp, [0, 0], [i + 1, -1])], 0
            )
            doc_y = tf.concat([doc_y, rotated], 0)
    with tf.name_scope("Cosine_Similarity"):
        query_norm = tf.tile(tf.sqrt(tf.reduce_sum(tf.square(query_y), 1, True)), [3, 1])
        doc_norm = tf.sqrt(tf.reduce_sum(tf.square(doc_y), 1, True))
        prod = tf.reduce_sum(tf.multiply(tf.tile(query_y, [3, 1]), doc_y), 1, True)
        cos_sim_raw = tf.truediv(prod, tf.multiply(query_norm, doc_norm))
        cos_sim = tf.transpose(tf.reshape(tf.transpose(cos_sim_raw), [3, 4])) * 20
    with tf.name_scope("Loss"):
        prob = tf.nn.softmax(cos_sim)
        hit_prob = tf.slice(prob, [0, 0], [-1, 1])
        loss = -tf.reduce_sum(tf.log(hit_prob)) / 4
    with tf.name_scope("Training"):
        tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    with tf.name_scope("Accuracy"):
        correct = tf.cast(tf.equal(tf.argmax(prob, 1), 0), tf.float32)
        tf.summary.scalar("accuracy", tf.reduce_mean(correct))
    return [[prob, cos_sim, cos_sim_raw], [query_y]]


def entailment(tf):
    """Pairs of sentences attend to each other; three classes."""
    premise = tf.placeholder(tf.int32, [None, 8], "premise")
    hypothesis_ids = tf.placeholder(tf.int32, [None, 8], "hypothesis_ids")
    y = tf.placeholder(tf.float32, [None, 3], "y_true")
    keep = tf.placeholder(tf.float32, [], "dropout_keep_prob")
    table = tf.get_variable("Embedding", [50, 10])
    cells = [tf.nn.rnn_cell.LSTMCell(6, name=n) for n in "ab"]

    def encode(ids):
        with tf.variable_scope("enc", reuse=tf.AUTO_REUSE):
            out, _ = tf.nn.bidirectional_dynamic_rnn(
                *cells, tf.gather(table, ids), dtype=tf.float32
            )
        return tf.concat(out, 2)

    a, b = encode(premise), encode(hypothesis_ids)
    e = tf.matmul(a, tf.transpose(b, [0, 2, 1]))
    a_hat = tf.matmul(tf.nn.softmax(e), b)
    b_hat = tf.matmul(tf.nn.softmax(tf.transpose(e, [0, 2, 1])), a)
    m = [tf.concat([v, h, v - h, v * h], 2) for v, h in ((a, a_hat), (b, b_hat))]
    pooled = [f(v, axis=1) for v in m for f in (tf.reduce_mean, tf.reduce_max)]
    v = tf.nn.dropout(tf.concat(pooled, 1), keep)
    v = tf.layers.dense(v, 12, tf.nn.tanh)
    logits = tf.layers.dense(tf.nn.dropout(v, keep), 3)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=logits))
    weights = [v for v in tf.trainable_variables() if "kernel" in v.name]
    loss += 1e-4 * tf.add_n([tf.nn.l2_loss(w) for w in weights])
    opt = tf.train.AdamOptimizer(1e-3)
    pairs = opt.compute_gradients(loss)
    opt.apply_gradients([(tf.clip_by_norm(g, 10.0), v) for g, v in pairs if g is not None])
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(y, 1), tf.argmax(logits, 1)), tf.float32))
    return [[logits]]


def vectors_of_cooccurrence(tf):
    """GloVe: the sum of both tables is the result, no input is needed."""
    focal = tf.placeholder(tf.int32, shape=[16], name="focal_words")
    context = tf.placeholder(tf.int32, shape=[16], name="context_words")
    count = tf.placeholder(tf.float32, shape=[16], name="cooccurrence_count")
    focal_table = tf.Variable(tf.random_uniform([40, 8], 1.0, -1.0), name="focal_embeddings")
    context_table = tf.Variable(tf.random_uniform([40, 8], 1.0, -1.0), name="context_embeddings")
    focal_biases = tf.Variable(tf.random_uniform([40], 1.0, -1.0), name="focal_biases")
    context_biases = tf.Variable(tf.random_uniform([40], 1.0, -1.0), name="context_biases")
    f, c = (
        tf.nn.embedding_lookup([focal_table], focal),
        tf.nn.embedding_lookup([context_table], context),
    )
    fb, cb = (
        tf.nn.embedding_lookup([focal_biases], focal),
        tf.nn.embedding_lookup([context_biases], context),
    )
    weighting = tf.minimum(1.0, tf.pow(tf.div(count, 100.0), 0.75))
    product = tf.reduce_sum(tf.multiply(f, c), 1)
    distance = tf.square(tf.add_n([product, fb, cb, tf.negative(tf.log(count))]))
    total = tf.reduce_sum(tf.multiply(weighting, distance))
    tf.summary.scalar("GloVe_loss", total)
    tf.train.AdagradOptimizer(0.05).minimize(total)
    combined = tf.add(focal_table, context_table, name="combined_embeddings")
    return [[combined]]


def memories_end_to_end(tf):
    """MemN2N: hops over memories; arg-max, probabilities, their logarithms."""
    stories = tf.placeholder(tf.int32, [None, 5, 6], name="stories")
    queries = tf.placeholder(tf.int32, [None, 6], name="queries")
    answers = tf.placeholder(tf.int32, [None, 30], name="answers")
    lr = tf.placeholder(tf.float32, [], name="learning_rate")
    encoding = tf.constant(0.7, shape=[6, 8], name="encoding")
    with tf.variable_scope("MemN2N"):
        A_1 = tf.Variable(tf.random_normal([30, 8]), name="A")
        C = [tf.Variable(tf.random_normal([30, 8]), name=f"C_{i}") for i in range(2)]
        u = [tf.reduce_sum(tf.nn.embedding_lookup(A_1, queries) * encoding, 1)]
        for hop in range(2):
            m_emb = tf.nn.embedding_lookup(A_1 if hop == 0 else C[hop - 1], stories)
            m_A = tf.reduce_sum(m_emb * encoding, 2)
            u_temp = tf.transpose(tf.expand_dims(u[-1], -1), [0, 2, 1])
            probs = tf.nn.softmax(tf.reduce_sum(m_A * u_temp, 2))
            probs_temp = tf.transpose(tf.expand_dims(probs, -1), [0, 2, 1])
            m_C = tf.reduce_sum(tf.nn.embedding_lookup(C[hop], stories) * encoding, 2)
            o_k = tf.reduce_sum(tf.transpose(m_C, [0, 2, 1]) * probs_temp, 2)
            u.append(u[-1] + o_k)
        logits = tf.matmul(u[-1], tf.transpose(C[-1], [1, 0]))
    xent = tf.nn.softmax_cross_entropy_with_logits_v2(
        logits=logits, labels=tf.cast(answers, tf.float32), name="cross_entropy"
    )
    loss_op = tf.reduce_sum(xent, name="cross_entropy_sum")
    predict_op = tf.argmax(logits, 1, name="predict_op")
    predict_proba = tf.nn.softmax(logits, name="predict_proba_op")
    predict_log_proba = tf.log(predict_proba, name="predict_log_proba_op")
    opt = tf.train.GradientDescentOptimizer(lr)
    clipped = [(tf.clip_by_norm(g, 40.0), v) for g, v in opt.compute_gradients(loss_op)]
    noisy = [(tf.add(g, tf.random_normal(tf.shape(g), stddev=1e-3)), v) for g, v in clipped]
    opt.apply_gradients(noisy, name="train_op")
    return [[predict_op, predict_proba, predict_log_proba, logits]]


def turing_copies(tf):
    """A neural Turing machine unrolled over a few steps: bits copied out of its memory."""
    x = tf.placeholder(tf.float32, [4, 9, 5], name="inputs")
    y = tf.placeholder(tf.float32, [4, 4, 4], name="outputs")
    memory = tf.tile(tf.get_variable("init_memory", [1, 8, 6]), [4, 1, 1])
    read = tf.tile(tf.tanh(tf.get_variable("init_r", [1, 6])), [4, 1])
    weight = tf.tile(tf.nn.softmax(tf.get_variable("init_w", [1, 8])), [4, 1])
    cell = tf.nn.rnn_cell.LSTMCell(10)
    state = cell.zero_state(4, tf.float32)
    outputs = []
    for t in range(9):
        with tf.variable_scope("root", reuse=t > 0):
            h, state = cell(tf.concat([x[:, t], read], 1), state)
            p = tf.layers.dense(h, 6 + 1 + 6 + 6, name="head", reuse=t > 0)
            key, beta = tf.tanh(p[:, :6]), tf.nn.softplus(p[:, 6:7])
            erase, add = tf.sigmoid(p[:, 7:13]), tf.tanh(p[:, 13:])
            inner = tf.squeeze(tf.matmul(memory, key[:, :, None]), 2)
            w = 0.5 * tf.nn.softmax(beta * inner) + 0.5 * weight
            read = tf.reduce_sum(w[:, :, None] * memory, 1)
            memory = memory * (1 - w[:, :, None] * erase[:, None]) + w[:, :, None] * add[:, None]
            weight = w
            outputs.append(tf.layers.dense(tf.concat([h, read], 1), 4, name="out", reuse=t > 0))
    output_logits = tf.stack(outputs[5:], 1)
    xent = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=output_logits)
    loss = tf.reduce_sum(xent) / 4
    result = tf.sigmoid(output_logits)
    opt = tf.train.RMSPropOptimizer(1e-4, momentum=0.9)
    trainable = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, trainable), 50)
    opt.apply_gradients(zip(grads, trainable, strict=True))
    return [[result, output_logits]]


def pointing_summaries(tf):
    """See's pointer-generator, one step of decoding for beam search: words and their chance."""
    enc = tf.placeholder(tf.int32, [4, None], name="enc_batch")
    enc_mask = tf.placeholder(tf.float32, [4, None], name="enc_padding_mask")
    extended = tf.placeholder(tf.int32, [4, None], name="enc_batch_extend_vocab")
    max_oovs = tf.placeholder(tf.int32, [], name="max_art_oovs")
    dec = tf.placeholder(tf.int32, [4, 3], name="dec_batch")
    target = tf.placeholder(tf.int32, [4, 3], name="target_batch")
    with tf.variable_scope("seq2seq"):
        with tf.variable_scope("embedding"):
            table = tf.get_variable("embedding", [40, 8])
        with tf.variable_scope("encoder"):
            states, last = tf.nn.dynamic_rnn(
                tf.nn.rnn_cell.LSTMCell(8), tf.gather(table, enc), dtype=tf.float32
            )
        finals = []
        with tf.variable_scope("decoder"):
            cell, state = tf.nn.rnn_cell.LSTMCell(8), last
            for i, each in enumerate(tf.unstack(tf.gather(table, dec), axis=1)):
                with tf.variable_scope("attention_decoder", reuse=i > 0):
                    out, state = cell(each, state)
                    e = tf.reduce_sum(tf.layers.dense(states, 8, name="W_h") * out[:, None], 2)
                    dist = tf.nn.softmax(e) * enc_mask
                    dist /= tf.reduce_sum(dist, 1, keepdims=True)
                    context = tf.reduce_sum(dist[:, :, None] * states, 1)
                    p_gen = tf.sigmoid(
                        tf.layers.dense(tf.concat([context, out], 1), 1, name="p_gen")
                    )
                    out = tf.layers.dense(
                        tf.concat([context, out], 1), 8, name="AttnOutputProjection"
                    )
                    scores = tf.layers.dense(out, 40, name="output_projection")
                vocab = tf.concat([p_gen * tf.nn.softmax(scores), tf.zeros([4, max_oovs])], 1)
                rows = tf.tile(tf.range(4)[:, None], [1, tf.shape(enc)[1]])
                shape = tf.stack([4, 40 + max_oovs])
                copy = tf.scatter_nd(tf.stack([rows, extended], 2), (1 - p_gen) * dist, shape)
                finals.append(vocab + copy)
        with tf.variable_scope("loss"):
            losses = []
            for i, each in enumerate(finals):
                indices = tf.stack([tf.range(4), target[:, i]], 1)
                losses.append(-tf.log(tf.gather_nd(each, indices)))
            loss = tf.reduce_mean(tf.add_n(losses))
    topk_probs, topk_ids = tf.nn.top_k(finals[-1], 6)
    topk_log_probs = tf.log(topk_probs)
    tvars = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, tvars), 2.0)
    tf.train.AdagradOptimizer(0.15).apply_gradients(zip(grads, tvars, strict=True))
    return [[topk_ids, topk_log_probs, *finals]]


def speaking_spectrograms(tf):
    """Tacotron: mel frames from a decoder, then linear ones by a post-net."""
    inputs = tf.placeholder(tf.int32, [None, None], "inputs")
    input_lengths = tf.placeholder(tf.int32, [None], "input_lengths")
    mel_targets = tf.placeholder(tf.float32, [None, None, 8], "mel_targets")
    linear_targets = tf.placeholder(tf.float32, [None, None, 16], "linear_targets")
    with tf.variable_scope("inference"):
        table = tf.get_variable("embedding", [40, 8])
        v = tf.nn.embedding_lookup(table, inputs)
        with tf.variable_scope("encoder"):
            v, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(8), v, input_lengths, dtype=tf.float32)
        shifted = tf.pad(mel_targets[:, :-1], [[0, 0], [1, 0], [0, 0]])
        with tf.variable_scope("decoder"):
            pre = tf.layers.dense(shifted, 8, tf.nn.relu, name="prenet")
            out, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(8), pre, dtype=tf.float32)
            att = tf.matmul(tf.nn.softmax(tf.matmul(out, v, transpose_b=True)), v)
            mel_outputs = tf.layers.dense(tf.concat([out, att], 2), 8, name="mel")
        with tf.variable_scope("post_cbhg"):
            post = tf.layers.conv1d(mel_outputs, 8, 3, 1, "same", activation=tf.nn.relu)
        linear_outputs = tf.layers.dense(post, 16)
    with tf.variable_scope("loss"):
        mel_loss = tf.reduce_mean(tf.abs(mel_targets - mel_outputs))
        l1 = tf.abs(linear_targets - linear_outputs)
        loss = mel_loss + 0.5 * tf.reduce_mean(l1) + 0.5 * tf.reduce_mean(l1[:, :, :4])
    with tf.variable_scope("optimizer"):
        tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[linear_outputs], [mel_outputs]]


def adversarial_sentences(tf):
    """SeqGAN's generator: sequences drawn in a loop, rewards from outside."""
    x = tf.placeholder(tf.int32, shape=[4, 6])
    rewards = tf.placeholder(tf.float32, shape=[4, 6])
    with tf.variable_scope("generator"):
        table = tf.Variable(tf.random_normal([20, 8], stddev=0.1))
        wi, ui = (tf.Variable(tf.random_normal([8, 8], stddev=0.1)) for _ in range(2))
        wo, bo = tf.Variable(tf.random_normal([8, 20], stddev=0.1)), tf.Variable(tf.zeros([20]))

    def unit(v, h):
        return tf.tanh(tf.matmul(v, wi) + tf.matmul(h, ui))

    gen_x = tf.TensorArray(tf.int32, size=6, dynamic_size=False, infer_shape=True)
    gen_o = tf.TensorArray(tf.float32, size=6, dynamic_size=False, infer_shape=True)

    def step(i, v, h, go, gx):
        h = unit(v, h)
        o = tf.matmul(h, wo) + bo
        token = tf.cast(tf.reshape(tf.multinomial(tf.log(tf.nn.softmax(o)), 1), [4]), tf.int32)
        chance = tf.reduce_sum(tf.one_hot(token, 20) * tf.nn.softmax(o), 1)
        return i + 1, tf.gather(table, token), h, go.write(i, chance), gx.write(i, token)

    start = tf.gather(table, tf.zeros([4], tf.int32))
    zero = tf.zeros([4, 8])
    _, _, _, gen_o, gen_x = tf.while_loop(
        lambda i, *_: i < 6, step, (tf.constant(0), start, zero, gen_o, gen_x)
    )
    gen_x = tf.transpose(gen_x.stack(), perm=[1, 0])
    g_predictions = tf.TensorArray(tf.float32, size=6, infer_shape=True)
    ta = tf.TensorArray(tf.float32, size=6).unstack(tf.transpose(tf.gather(table, x), [1, 0, 2]))

    def pretrain(i, v, h, preds):
        h = unit(v, h)
        return i + 1, ta.read(i), h, preds.write(i, tf.nn.softmax(tf.matmul(h, wo) + bo))

    _, _, _, g_predictions = tf.while_loop(
        lambda i, *_: i < 6, pretrain, (tf.constant(0), start, zero, g_predictions)
    )
    preds = tf.transpose(g_predictions.stack(), perm=[1, 0, 2])
    hot = tf.one_hot(tf.to_int32(tf.reshape(x, [-1])), 20, 1.0, 0.0)
    logs = tf.log(tf.clip_by_value(tf.reshape(preds, [-1, 20]), 1e-20, 1.0))
    params = [table, wi, ui, wo, bo]
    pretrain_loss = -tf.reduce_sum(hot * logs) / 24
    g_loss = -tf.reduce_sum(tf.reduce_sum(hot * logs, 1) * tf.reshape(rewards, [-1]))
    for loss, rate in ((pretrain_loss, 0.01), (g_loss, 0.01)):
        grads, _ = tf.clip_by_global_norm(tf.gradients(loss, params), 5.0)
        tf.train.AdamOptimizer(rate).apply_gradients(zip(grads, params, strict=True))
    return [[gen_x]]
