"""Files through ``tf.io.gfile`` and the names of old; in the folder that it is run in."""

import os

import tensorflow as tf
from tensorflow.python.lib.io import file_io
from tensorflow.python.platform import gfile as old

NEW = tf.io.gfile
V1 = tf.compat.v1.gfile


def raised(function, *arguments, **options):
    try:
        return "gave", function(*arguments, **options)
    except tf.errors.OpError as error:
        return "raised", type(error).__name__, error.error_code
    except Exception as error:
        return "raised", type(error).__name__


def write():
    NEW.makedirs("a/b/c")
    for path in ("a/one.txt", "a/.two", "a/b/three.TXT", "a/b/c/[4].txt"):
        with NEW.GFile(path, "w") as file:
            file.write("first ä\nsecond\r\n\nlast")
    with V1.GFile("a/raw", "wb") as file:
        file.write(b"\x00\xff")
    with V1.FastGFile("a/one.txt", "a") as file:
        file.write(" and more\n")
    NEW.GFile("a/empty", "w").close()


def read():
    for kind in (NEW.GFile, V1.GFile, V1.FastGFile, V1.Open, old.GFile, old.FastGFile):
        with kind("a/one.txt") as file:
            print(repr(file.read(5)), file.tell(), repr(file.readline()), file.size())
            print(file.readlines(), file.name, file.mode)
    with NEW.GFile("a/one.txt", "rb") as file:
        print(list(file))
        file.seek(2)
        print(file.read(3), file.tell(), file.seekable())
    print(raised(NEW.GFile("a/raw").read), NEW.GFile("a/raw", "rb").read())
    print(file_io.read_file_to_string("a/one.txt"), file_io.file_exists("a/raw"))
    print(NEW.GFile("no/such").mode, raised(NEW.GFile("no/such").read), raised(NEW.GFile("a").read))


def look():
    for pattern in (
        "a/*",
        "a/*.txt",
        "a/?ne.*",
        "a/*/*",
        "a/b/c/*",
        "no/*",
        "a/**",
        ["a/o*", "a/r*"],
    ):
        print(pattern, sorted(NEW.glob(pattern)), sorted(V1.Glob(pattern)))
    print(sorted(NEW.listdir("a")), sorted(V1.ListDirectory("a/b")), raised(NEW.listdir, "no"))
    print([NEW.exists(each) for each in ("a", "a/", "a/raw", "no", "")], V1.Exists("a/raw"))
    print([NEW.isdir(each) for each in ("a", "a/raw", "no")], V1.IsDirectory("a"))
    print(NEW.stat("a/one.txt").length, NEW.stat("a").is_directory, V1.Stat("a/raw").length)
    print(
        raised(NEW.stat, "no"),
        NEW.stat("a/raw").mtime_nsec // 10**9 == int(os.stat("a/raw").st_mtime),
    )
    for top, folders, files in sorted(NEW.walk("a")):
        print(top, sorted(folders), sorted(files))
    print([top for top, _, _ in NEW.walk("a", topdown=False)], list(NEW.walk("no")))
    print([top for top, _, _ in V1.Walk("a/b")], NEW.join("a", "b", "c"))


def change():
    print(raised(NEW.copy, "a/raw", "a/raw2"), raised(NEW.copy, "a/raw", "a/raw2"))
    print(raised(NEW.copy, "a/one.txt", "a/raw2", overwrite=True), NEW.stat("a/raw2").length)
    print(raised(NEW.rename, "a/raw2", "a/raw"), raised(NEW.rename, "a/raw2", "a/raw3"))
    print(raised(V1.Rename, "a/raw3", "a/raw", True), raised(NEW.rename, "no", "a/x"))
    print(raised(NEW.remove, "no"), raised(NEW.remove, "a/empty"), raised(NEW.mkdir, "a"))
    print(
        raised(NEW.mkdir, "x/y"),
        raised(V1.MkDir, "d"),
        raised(V1.MakeDirs, "d"),
        raised(V1.Remove, "a/raw"),
    )
    print(raised(NEW.rmtree, "no"), raised(NEW.rmtree, "a/b"), raised(V1.DeleteRecursively, "d"))
    print(sorted(os.listdir("a")), os.path.exists("d"))


if __name__ == "__main__":
    write()
    read()
    look()
    change()
