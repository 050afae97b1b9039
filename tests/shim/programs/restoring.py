"""Restores a graph from its ``.meta``: variables to the bit, and what it computes of inputs."""

import hashlib
import sys

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()


def digest(value):
    array = np.asarray(value)
    plain = repr(array.tolist()).encode() if array.dtype == object else array.tobytes()
    return (
        type(value).__name__,
        array.dtype.name,
        array.shape,
        hashlib.sha256(plain).hexdigest()[:12],
    )


def raised(kind, function, *arguments):
    """Whether a call raises an error of a kind."""
    try:
        function(*arguments)
    except Exception as error:
        return isinstance(error, kind)
    return "nothing"


def describe(graph):
    for variable in tf.global_variables():
        print(
            variable.name, variable.shape.as_list(), str(variable.get_shape()), variable.dtype.name
        )
        print("  ", variable.op.name, variable.op.type, variable.initializer.name, variable.shape)
        print("  ", variable.initial_value.name, variable.dtype.base_dtype)
    print([each.name for each in tf.trainable_variables()], tf.local_variables())
    for key in sorted(graph.get_all_collection_keys()):
        elements = tf.get_collection(key)
        print(key, [getattr(each, "name", type(each).__name__) for each in elements])
        print("  ", len(graph.get_collection(key, scope="dense")))
    for op in graph.get_operations():
        if op.type in ("Placeholder", "Softmax", "MatMul", "BiasAdd", "ReadVariableOp"):
            print(op.name, op.type, [each.name for each in op.inputs], op.outputs[0].name)
            print("  ", op.outputs[0].dtype, sorted(each.name for each in op.control_inputs))
            print("  ", sorted(each.name for each in op.outputs[0].consumers()))


def restored(sess, graph):
    variables = tf.global_variables()
    for value in sess.run(variables):
        print(digest(value))
    print(digest(variables[0].eval()), digest(sess.run(variables[0].value())))
    nested = {"a": [variables[0], (variables[1],)], "b": variables[0].value()}
    result = sess.run(nested)
    print(type(result["a"]).__name__, type(result["a"][1]).__name__, digest(result["b"]))
    print([each.shape for each in sess.run([variables[0], variables[0]])])


def refused(sess, graph):
    first, variable = graph.get_operations()[0], tf.global_variables()[0]
    tensor, operation = graph.get_tensor_by_name, graph.get_operation_by_name
    print(raised(KeyError, tensor, "nowhere:0"), raised(ValueError, tensor, "nowhere"))
    print(raised(KeyError, tensor, f"{first.name}:77"), raised(TypeError, tensor, 3))
    print(raised(KeyError, operation, "nowhere"), raised(TypeError, operation, None))
    print(raised(ValueError, operation, variable.name))
    for fetch in ("nowhere:0", "nowhere"):
        print(raised(ValueError, sess.run, fetch))
    for fetch in (None, 3, object()):
        print(raised(TypeError, sess.run, fetch))
    print(raised(TypeError, sess.run, variable, {"nowhere:0": 1}))
    with tf.Graph().as_default():
        print(raised(ValueError, tf.train.Saver), tf.global_variables())
        print(tf.get_default_graph() is graph, raised(RuntimeError, tf.Session().run, variable))
    print(raised(OSError, tf.train.import_meta_graph, "no/such.meta"))
    saver = tf.train.Saver()
    print(raised(ValueError, saver.restore, sess, None))
    print(raised(ValueError, saver.restore, sess, "no/such"))


def compute(sess, fetch, feeds, out):
    """What is computed goes into a file: it is compared within a tolerance."""
    values = {}
    graph = tf.get_default_graph()
    image = np.random.default_rng(1).random(feeds[1], np.float32)
    x = graph.get_tensor_by_name(feeds[0])
    y = graph.get_operation_by_name(fetch).outputs[0]
    values["named"] = sess.run(fetch + ":0", {feeds[0]: image})
    values["tensor"] = sess.run(y, feed_dict={x: image})
    values["listed"], again = sess.run([y, x], {x: image})
    values["eval"] = y.eval({x: image[:1]})
    print(np.array_equal(again, image), y.get_shape().as_list(), str(x.shape), x.shape[0].value)
    print(raised(tf.errors.InvalidArgumentError, sess.run, y))
    print(raised(ValueError, sess.run, y, {x: image[0, 0]}))
    np.savez(out, **values)


def main(prefix, out):
    print(tf.get_default_session(), tf.get_default_graph() is tf.get_default_graph())
    with tf.Session(config=tf.ConfigProto(device_count={"GPU": 0})) as sess:
        saver = tf.train.import_meta_graph(prefix + ".meta", clear_devices=True)
        graph = tf.get_default_graph()
        print(sess.graph is graph, tf.get_default_session() is sess)
        uninitialised = tf.errors.FailedPreconditionError
        print(raised(uninitialised, sess.run, tf.global_variables()[0]))
        sess.run(tf.global_variables_initializer())
        saver.restore(sess, prefix)
        describe(graph)
        restored(sess, graph)
        refused(sess, graph)
        if out != "-":
            compute(sess, "probabilities", ("image:0", (2, 28, 28, 1)), out)
    print(raised(RuntimeError, sess.run, tf.global_variables()[0]), tf.get_default_session())
    tf.reset_default_graph()
    print(tf.global_variables(), tf.get_default_graph().get_operations())


if __name__ == "__main__":
    main(*sys.argv[1:])
