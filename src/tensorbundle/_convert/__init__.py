"""Converting: a checkpoint under another library's names and in its layout, and back again.

Nothing here knows a model: what is called what is told by rules, in files (`rulebooks/*.toml`).

    convert     convert a checkpoint by rules, into whatever format the target's name means
    converted   converted checkpoints: tensors of the other side, made when they are read
    operations  operations on tensors on their way to the other side, each with its inverse
    plan        plans of a conversion: each name of one side with its own on the other, checked
    reading     reading rules: TOML files, found by name, and checked by themselves
    rules       rules as they are once read
    templates   templates of names: placeholders that are matched, and filled in again
"""
