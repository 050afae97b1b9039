"""Networks that read and write, by a second author, the truth written first (see `programs.py`)."""


def _dense(tf, x, n, activation=None, name=None):
    return tf.layers.dense(x, n, activation, name=name)


def _encoder(tf, ids, mask, width=16, layers=2):
    """A small BERT: embeddings, attention, feed-forward, layer norms by hand."""

    def norm(v, name):
        with tf.variable_scope(name):
            mean, var = tf.nn.moments(v, [-1], keep_dims=True)
            gamma = tf.get_variable("gamma", [width], initializer=tf.ones_initializer())
            return (v - mean) * tf.rsqrt(var + 1e-12) * gamma + tf.get_variable("beta", [width])

    with tf.variable_scope("bert"):
        with tf.variable_scope("embeddings"):
            table = tf.get_variable("word_embeddings", [50, width])
            positions = tf.get_variable("position_embeddings", [12, width])
            v = norm(tf.gather(table, ids) + positions[None], "LayerNorm")
        with tf.variable_scope("encoder"):
            adder = (1.0 - tf.cast(mask[:, None, :], tf.float32)) * -10000.0
            for i in range(layers):
                with tf.variable_scope(f"layer_{i}"):
                    q, k, u = (_dense(tf, v, width, name=n) for n in ("query", "key", "value"))
                    scores = tf.matmul(q, k, transpose_b=True) / 4.0 + adder
                    att = tf.matmul(tf.nn.dropout(tf.nn.softmax(scores), rate=0.1), u)
                    v = norm(v + _dense(tf, att, width, name="out"), "att_norm")
                    h = _dense(tf, v, 2 * width, tf.nn.relu, name="intermediate")
                    v = norm(v + _dense(tf, h, width, name="output"), "out_norm")
        with tf.variable_scope("pooler"):
            pooled = _dense(tf, v[:, 0], width, tf.tanh, name="dense")
    return v, pooled, table


def question_answering(tf):
    """BERT's run_squad: start and end logits, unstacked of one transposed product."""
    ids = tf.placeholder(tf.int32, [None, 12], name="input_ids")
    mask = tf.placeholder(tf.int32, [None, 12], name="input_mask")
    starts = tf.placeholder(tf.int32, [None], name="start_positions")
    ends = tf.placeholder(tf.int32, [None], name="end_positions")
    hidden, _, _ = _encoder(tf, ids, mask)
    w = tf.get_variable("cls/squad/output_weights", [2, 16])
    b = tf.get_variable("cls/squad/output_bias", [2])
    flat = tf.reshape(hidden, [-1, 16])
    logits = tf.nn.bias_add(tf.matmul(flat, w, transpose_b=True), b)
    logits = tf.transpose(tf.reshape(logits, [-1, 12, 2]), [2, 0, 1])
    unstacked = tf.unstack(logits, axis=0)
    loss = 0.0
    for each, positions in zip(unstacked, (starts, ends), strict=True):
        log_probs = tf.nn.log_softmax(each, axis=-1)
        loss -= tf.reduce_mean(tf.reduce_sum(tf.one_hot(positions, 12) * log_probs, axis=-1)) / 2.0
    tvars = tf.trainable_variables()
    tf.train.AdamOptimizer(5e-5).apply_gradients(zip(tf.gradients(loss, tvars), tvars, strict=True))
    return [[unstacked[0], logits]]


def masked_language_model(tf):
    """BERT's pretraining: words at masked places by the table turned, next sentence."""
    ids = tf.placeholder(tf.int32, [4, 12], name="input_ids")
    mask = tf.placeholder(tf.int32, [4, 12], name="input_mask")
    positions = tf.placeholder(tf.int32, [4, 3], name="masked_lm_positions")
    label_ids = tf.placeholder(tf.int32, [4, 3], name="masked_lm_ids")
    next_labels = tf.placeholder(tf.int32, [4], name="next_sentence_labels")
    hidden, pooled, table = _encoder(tf, ids, mask)
    flat = tf.reshape(positions + tf.reshape(tf.range(0, 4) * 12, [-1, 1]), [-1])
    picked = tf.gather(tf.reshape(hidden, [-1, 16]), flat)
    with tf.variable_scope("cls/predictions"):
        with tf.variable_scope("transform"):
            picked = _dense(tf, picked, 16, tf.nn.relu)
        logits = tf.matmul(picked, table, transpose_b=True)
        logits = tf.nn.bias_add(logits, tf.get_variable("output_bias", [50]))
        log_probs = tf.nn.log_softmax(logits, axis=-1)
        hot = tf.one_hot(tf.reshape(label_ids, [-1]), depth=50)
        loss = tf.reduce_mean(-tf.reduce_sum(log_probs * hot, axis=[-1]))
    with tf.variable_scope("cls/seq_relationship"):
        w = tf.get_variable("output_weights", [2, 16])
        nsp = tf.nn.bias_add(tf.matmul(pooled, w, transpose_b=True), tf.get_variable("b", [2]))
        nsp_log_probs = tf.nn.log_softmax(nsp, axis=-1)
        hot = tf.one_hot(next_labels, depth=2)
        loss += tf.reduce_mean(-tf.reduce_sum(hot * nsp_log_probs, axis=-1))
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    return [[log_probs, logits], [nsp_log_probs, nsp]]


def intents_and_slots(tf):
    """A joint model: one class a sentence, one tag a word."""
    words = tf.placeholder(tf.int32, [None, None], name="inputs")
    lengths = tf.placeholder(tf.int32, [None], name="sequence_length")
    slots = tf.placeholder(tf.int32, [None, None], name="slots")
    intents = tf.placeholder(tf.int32, [None], name="intent")
    table = tf.get_variable("embedding", [60, 12])
    cells = [tf.nn.rnn_cell.BasicLSTMCell(10) for _ in range(2)]
    (fw, bw), (sf, sb) = tf.nn.bidirectional_dynamic_rnn(
        cells[0], cells[1], tf.nn.embedding_lookup(table, words), lengths, dtype=tf.float32
    )
    outputs, final = tf.concat([fw, bw], 2), tf.concat([sf.h, sb.h], 1)
    with tf.variable_scope("intent_proj"):
        intent = _dense(tf, final, 5)
    with tf.variable_scope("slot_proj"):
        slot = tf.reshape(_dense(tf, tf.reshape(outputs, [-1, 20]), 9), [-1, tf.shape(words)[1], 9])
    weights = tf.sequence_mask(lengths, tf.shape(words)[1], dtype=tf.float32)
    slot_loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=slots, logits=slot)
    slot_loss = tf.reduce_sum(slot_loss * weights) / tf.reduce_sum(weights)
    intent_loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=intents, logits=intent)
    )
    tf.train.AdamOptimizer().minimize(slot_loss + intent_loss)
    return [[intent], [slot]]


def chain_of_tags(tf):
    """A CRF decoded in the graph: Viterbi in a loop, backwards through the pointers."""
    words = tf.placeholder(tf.int32, [None, None], name="word_ids")
    lengths = tf.placeholder(tf.int32, [None], name="sequence_lengths")
    labels = tf.placeholder(tf.int32, [None, None], name="labels")
    keep = tf.placeholder(tf.float32, [], name="dropout")
    with tf.variable_scope("words"):
        table = tf.Variable(tf.random_uniform([40, 8]), name="_word_embeddings")
        v = tf.nn.dropout(tf.nn.embedding_lookup(table, words), keep)
    with tf.variable_scope("bi-lstm"):
        cells = [tf.nn.rnn_cell.LSTMCell(6) for _ in range(2)]
        (a, b), _ = tf.nn.bidirectional_dynamic_rnn(*cells, v, lengths, dtype=tf.float32)
        v = tf.nn.dropout(tf.concat([a, b], -1), keep)
    with tf.variable_scope("proj"):
        W, bias = tf.get_variable("W", [12, 5]), tf.get_variable("b", [5])
        pred = tf.matmul(tf.reshape(v, [-1, 12]), W) + bias
        logits = tf.reshape(pred, [-1, tf.shape(v)[1], 5])
    transitions = tf.get_variable("transitions", [5, 5])
    hot = tf.one_hot(labels, 5)
    mask = tf.sequence_mask(lengths, tf.shape(v)[1], dtype=tf.float32)
    unary = tf.reduce_sum(tf.reduce_sum(hot * logits, 2) * mask, 1)
    pairs = tf.einsum("bti,ij,btj->bt", hot[:, :-1], transitions, hot[:, 1:])

    def step(alpha, each):
        return tf.reduce_logsumexp(alpha[:, :, None] + transitions[None], 1) + each

    alphas = tf.foldl(step, tf.transpose(logits[:, 1:], [1, 0, 2]), logits[:, 0])
    norm = tf.reduce_logsumexp(alphas, 1)
    loss = tf.reduce_mean(norm - unary - tf.reduce_sum(pairs * mask[:, 1:], 1))
    tf.train.AdamOptimizer().minimize(loss)

    def single():
        return tf.cast(tf.argmax(logits, 2), tf.int32)

    def multi():
        def forward(carry, each):
            scores = carry[0][:, :, None] + transitions[None]
            return tf.reduce_max(scores, 1) + each, tf.cast(tf.argmax(scores, 1), tf.int32)

        start = (logits[:, 0], tf.cast(tf.zeros_like(logits[:, 0]), tf.int32))
        scores, pointers = tf.scan(forward, tf.transpose(logits[:, 1:], [1, 0, 2]), start)
        last = tf.cast(tf.argmax(scores[-1], 1), tf.int32)
        rows = tf.range(tf.shape(last)[0])
        back = tf.scan(
            lambda tag, p: tf.gather_nd(p, tf.stack([rows, tag], 1)), pointers[::-1], last
        )
        return tf.transpose(tf.concat([last[None], back], 0)[::-1])

    tags = tf.cond(tf.equal(tf.shape(logits)[1], 1), single, multi)
    return [[tags, logits, pred]]


def beams(tf):
    """A translator's inference graph: several beams, steps in a while loop."""
    source = tf.placeholder(tf.int32, [2, None], name="source")
    table = tf.get_variable("embedding", [30, 8])
    cell = tf.nn.rnn_cell.GRUCell(8)
    with tf.variable_scope("encoder"):
        _, state = tf.nn.dynamic_rnn(cell, tf.gather(table, source), dtype=tf.float32)
    decoder = tf.nn.rnn_cell.GRUCell(8, name="decoder_cell")
    beam = 3
    tiled = tf.reshape(tf.tile(state[:, None], [1, beam, 1]), [2 * beam, 8])
    kernel = tf.get_variable("decoder/output_projection/kernel", [8, 30])

    def body(t, state, ids, logp, seq):
        out, new = decoder(tf.gather(table, tf.reshape(ids, [-1])), state)
        step = tf.reshape(tf.nn.log_softmax(tf.matmul(out, kernel)), [2, beam, 30])
        total = tf.reshape(logp[:, :, None] + step, [2, beam * 30])
        best, index = tf.nn.top_k(total, beam)
        parent = index // 30
        flat = tf.reshape(parent + tf.range(2)[:, None] * beam, [-1])
        seq = tf.concat([tf.gather(seq, flat), tf.reshape(index % 30, [-1, 1])], 1)
        return t + 1, tf.gather(new, flat), index % 30, best, seq

    start = (
        tf.constant(0), tiled, tf.ones([2, beam], tf.int32), tf.zeros([2, beam]),
        tf.zeros([2 * beam, 1], tf.int32),
    )  # fmt: skip
    shapes = (*(s.shape for s in start[:4]), tf.TensorShape([2 * beam, None]))
    done = tf.while_loop(lambda t, *_: t < 10, body, start, shapes)
    sequences = tf.reshape(done[4], [2, beam, -1], name="sequences")
    return [[sequences, done[4]], [done[3]]]


def chatbot_with_buckets(tf):
    """The seq2seq tutorial in its own words: unrolled, outputs projected at the end."""
    enc = [tf.placeholder(tf.int32, [None], name=f"encoder{i}") for i in range(4)]
    dec = [tf.placeholder(tf.int32, [None], name=f"decoder{i}") for i in range(5)]
    weights = [tf.placeholder(tf.float32, [None], name=f"weight{i}") for i in range(5)]
    targets = [dec[i + 1] for i in range(4)]
    w = tf.get_variable("proj_w", [10, 40])
    b = tf.get_variable("proj_b", [40])
    with tf.variable_scope("model_with_buckets"), tf.variable_scope("embedding_attention_seq2seq"):
        table = tf.get_variable("embedding", [40, 10])
        with tf.variable_scope("rnn"):
            cell = tf.nn.rnn_cell.GRUCell(10)
            outs, state = tf.nn.static_rnn(
                cell, [tf.gather(table, i) for i in enc], dtype=tf.float32
            )
        memory = tf.stack(outs, 1)
        with tf.variable_scope("decoder"):
            cell, outputs = tf.nn.rnn_cell.GRUCell(10), []
            for each in dec[:4]:
                scores = tf.nn.softmax(tf.reduce_sum(memory * state[:, None], 2))
                context = tf.reduce_sum(scores[:, :, None] * memory, 1)
                out, state = cell(tf.concat([tf.gather(table, each), context], 1), state)
                outputs.append(
                    tf.layers.dense(
                        tf.concat([out, context], 1), 10, name="attn_out", reuse=tf.AUTO_REUSE
                    )
                )
    losses = []
    for out, target, weight in zip(outputs, targets, weights, strict=False):
        sampled = tf.nn.sampled_softmax_loss(
            tf.transpose(w), b, tf.reshape(target, [-1, 1]), out, 8, 40
        )
        losses.append(sampled * weight)
    loss = tf.reduce_mean(tf.add_n(losses))
    projected = [tf.matmul(out, w) + b for out in outputs]
    params = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, params), 5.0)
    tf.train.GradientDescentOptimizer(0.5).apply_gradients(zip(grads, params, strict=True))
    return [projected]


def kyubyong_transformer(tf):
    """Attention is all you need: arg-max of the logits, weighed by what is no padding."""
    x = tf.placeholder(tf.int32, shape=(None, 6))
    y = tf.placeholder(tf.int32, shape=(None, 6))
    decoder_inputs = tf.concat((tf.ones_like(y[:, :1]) * 2, y[:, :-1]), -1)

    def attend(q, k, scope, causal=False):
        with tf.variable_scope(scope):
            Q, K, V = (_dense(tf, t, 8, tf.nn.relu) for t in (q, k, k))
            out = tf.matmul(Q, K, transpose_b=True) / 2.8
            if causal:
                tril = tf.matrix_band_part(tf.ones_like(out), -1, 0)
                out = tf.where(tf.equal(tril, 0), tf.ones_like(out) * -1e9, out)
            out = tf.matmul(tf.layers.dropout(tf.nn.softmax(out), 0.1, training=True), V) + q
            mean, var = tf.nn.moments(out, [-1], keep_dims=True)
            gamma = tf.Variable(tf.ones([8]))
            return gamma * (out - mean) / ((var + 1e-8) ** 0.5) + tf.Variable(tf.zeros([8]))

    with tf.variable_scope("encoder"):
        enc = tf.gather(tf.get_variable("lookup_table", [30, 8]), x)
        enc = attend(enc, enc, "num_blocks_0")
    with tf.variable_scope("decoder"):
        dec = tf.gather(tf.get_variable("lookup_table", [30, 8]), decoder_inputs)
        dec = attend(attend(dec, dec, "self", True), enc, "vanilla")
    logits = tf.layers.dense(dec, 30)
    preds = tf.to_int32(tf.argmax(logits, dimension=-1))
    istarget = tf.to_float(tf.not_equal(y, 0))
    acc = tf.reduce_sum(tf.to_float(tf.equal(preds, y)) * istarget) / (tf.reduce_sum(istarget))
    tf.summary.scalar("acc", acc)
    smoothed = 0.9 * tf.one_hot(y, depth=30) + 0.1 / 30
    loss = tf.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=smoothed)
    mean_loss = tf.reduce_sum(loss * istarget) / (tf.reduce_sum(istarget))
    step = tf.Variable(0, name="global_step", trainable=False)
    tf.train.AdamOptimizer(1e-4, 0.9, 0.98, 1e-8).minimize(mean_loss, global_step=step)
    return [[preds, logits]]


def reading_spans(tf):
    """R-Net: start and end from two pointers, the best pair of an outer product."""
    c = tf.placeholder(tf.int32, [None, 10], name="context")
    q = tf.placeholder(tf.int32, [None, 5], name="question")
    y1 = tf.placeholder(tf.int32, [None, 10], name="answer_index1")
    y2 = tf.placeholder(tf.int32, [None, 10], name="answer_index2")
    table = tf.get_variable("word_mat", [40, 8], trainable=False)
    with tf.variable_scope("encoding"):
        cell = tf.nn.rnn_cell.GRUCell(8)
        cv, _ = tf.nn.dynamic_rnn(cell, tf.gather(table, c), dtype=tf.float32)
        qv, _ = tf.nn.dynamic_rnn(cell, tf.gather(table, q), dtype=tf.float32)
    with tf.variable_scope("attention"):
        s = tf.matmul(_dense(tf, cv, 8), qv, transpose_b=True)
        match = tf.concat([cv, tf.matmul(tf.nn.softmax(s), qv)], 2)
    with tf.variable_scope("pointer"):
        hidden = _dense(tf, match, 8, tf.tanh)
        logits1 = tf.squeeze(_dense(tf, hidden, 1), 2)
        weights = tf.nn.softmax(logits1)
        context = tf.reduce_sum(weights[:, :, None] * match, 1)
        both = tf.concat([match, tf.tile(context[:, None], [1, 10, 1])], 2)
        logits2 = tf.squeeze(_dense(tf, _dense(tf, both, 8, tf.tanh), 1), 2)
    with tf.variable_scope("predict"):
        outer = tf.matmul(tf.nn.softmax(logits1)[:, :, None], tf.nn.softmax(logits2)[:, None])
        outer = tf.matrix_band_part(outer, 0, 4)
        yp1 = tf.argmax(tf.reduce_max(outer, axis=2), axis=1)
        yp2 = tf.argmax(tf.reduce_max(outer, axis=1), axis=1)
        losses = [
            tf.nn.softmax_cross_entropy_with_logits_v2(logits=each, labels=tf.stop_gradient(y))
            for each, y in ((logits1, y1), (logits2, y2))
        ]
        loss = tf.reduce_mean(losses[0] + losses[1])
    opt = tf.train.AdadeltaOptimizer(0.5)
    gradients, variables = zip(*opt.compute_gradients(loss), strict=True)
    capped, _ = tf.clip_by_global_norm(gradients, 5.0)
    opt.apply_gradients(zip(capped, variables, strict=True))
    return [[yp1, outer], [yp2]]
