#include "tensorbundle/writing/bundle_writer.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/format/string_tensor.hpp"

namespace tensorbundle {

namespace {

constexpr std::array<char, BundleWriter::kMaxAlignment> kZeros = {};

// The name of a shard but for the "-of-" part, which is only known at the end.
std::string unfinished_shard_path(const BundleWriterOptions& options, std::uint32_t shard) {
  std::array<char, 24> number{};
  std::snprintf(number.data(), number.size(), ".data-%05u", static_cast<unsigned>(shard));
  return options.prefix + number.data() + options.suffix;
}

void check_size(const NewTensor& tensor, std::uint64_t found) {
  if (const std::uint64_t expected = stored_size(tensor); found != expected) {
    throw Error(ErrorCode::kSizeMismatch, "a tensor's bytes do not fit its shape: expected " +
                                              std::to_string(expected) + ", found " +
                                              std::to_string(found));
  }
}

std::uint64_t size_of(const NewTensor& tensor) {
  if (tensor.source != nullptr) return stored_size(tensor);
  check_size(tensor, tensor.bytes.size());
  return tensor.bytes.size();
}

// A slice that is all of its tensor is stored as that tensor.
bool is_partial(const NewTensor& tensor) {
  return tensor.place != nullptr && !std::ranges::equal(tensor.shape, tensor.place->full_shape);
}

}  // namespace

std::uint64_t stored_size(const NewTensor& tensor) {
  auto size = static_cast<std::uint64_t>(element_bytes(tensor.dtype));
  for (const std::int64_t dimension : tensor.shape) size *= static_cast<std::uint64_t>(dimension);
  return size;
}

BundleWriter::BundleWriter(BundleWriterOptions options)
    : options_(std::move(options)), workspace_(options_.threads) {}

void BundleWriter::add(std::span<const NewTensor> tensors) {
  std::vector<Piece> pieces;
  std::vector<std::uint64_t> offsets;
  while (!tensors.empty()) {
    // As many as go to one shard.
    OutputFile& file = shard_for(size_of(tensors.front()));
    std::uint64_t at = file.size();
    std::size_t count = 0;
    pieces.clear();
    offsets.clear();
    for (; count < tensors.size(); ++count) {
      const NewTensor& tensor = tensors[count];
      const std::uint64_t size = size_of(tensor);
      const std::uint64_t end = at + size;
      if (count > 0 && options_.max_shard_bytes > 0 && end > options_.max_shard_bytes) break;
      const std::uint64_t padding =
          (options_.alignment - end % options_.alignment) % options_.alignment;
      offsets.push_back(at);
      pieces.push_back({tensor.bytes.data(), static_cast<std::size_t>(size), 0, tensor.source});
      if (padding > 0) pieces.push_back({kZeros.data(), static_cast<std::size_t>(padding)});
      at = end + padding;
    }
    file.append(pieces, workspace_);
    const Piece* piece = pieces.data();
    std::uint64_t end = offsets.front();
    for (std::size_t i = 0; i < count; ++i, ++piece) {
      if (offsets[i] != end) ++piece;  // padding
      record(tensors[i], offsets[i], piece->size, piece->crc32c);
      end = offsets[i] + piece->size;
    }
    tensors = tensors.subspan(count);
  }
}

void BundleWriter::add_strings(const NewTensor& tensor, std::span<const ByteView> elements) {
  const StringLengths lengths = encode_lengths(elements);
  std::string bytes;
  for (const ByteView element : elements) bytes += element;
  std::array<Piece, 2> pieces = {Piece{lengths.stored.data(), lengths.stored.size()},
                                 Piece{bytes.data(), bytes.size()}};
  const std::uint64_t size = pieces[0].size + pieces[1].size;
  OutputFile& file = shard_for(size);
  const std::uint64_t offset = file.size();
  file.append(pieces, workspace_);
  record(tensor, offset, size, crc32c_combine(lengths.crc32c, pieces[1].crc32c, pieces[1].size));
  pad(file);
}

void BundleWriter::begin(const NewTensor& tensor) {
  OutputFile& file = shard_for(stored_size(tensor));
  open_offset_ = file.size();
  open_crc_ = 0;
  open_name_ = tensor.name;
  open_shape_.assign(tensor.shape.begin(), tensor.shape.end());
  open_ = NewTensor{open_name_, tensor.dtype, open_shape_, {}, nullptr};
}

void BundleWriter::append(ByteView bytes) {
  if (!open_) throw Error(ErrorCode::kFormat, "bytes come without a tensor");
  Piece piece{bytes.data(), bytes.size()};
  open_shard().append({&piece, 1}, workspace_);
  open_crc_ = crc32c_combine(open_crc_, piece.crc32c, piece.size);
}

std::uint32_t BundleWriter::end() {
  if (!open_) throw Error(ErrorCode::kFormat, "no tensor was begun");
  check_size(*open_, open_shard().size() - open_offset_);
  return end(open_crc_);
}

std::uint32_t BundleWriter::end(std::uint32_t crc32c) {
  if (!open_) throw Error(ErrorCode::kFormat, "no tensor was begun");
  OutputFile& file = open_shard();
  record(*open_, open_offset_, file.size() - open_offset_, crc32c);
  pad(file);
  open_.reset();
  return open_crc_;
}

void BundleWriter::use_shard(std::uint32_t shard) { shard_ = shard; }

void BundleWriter::next_shard() {
  OutputFile& file = open_shard();
  file.finish(options_.durable);
  leave_shard();
}

void BundleWriter::leave_shard() {
  shards_[shard_].reset();
  finished_[shard_] = true;
  ++shard_;
}

std::string BundleWriter::take_shard() {
  const std::string path = unfinished_shard();
  if (shards_[shard_] != nullptr) throw Error(ErrorCode::kFormat, "the shard is begun already");
  leave_shard();
  return path;
}

std::uint32_t BundleWriter::finish(std::uint32_t min_shards, bool big_endian) {
  const auto count = std::max({std::size_t{1}, std::size_t{min_shards}, shards_.size()});
  for (shard_ = 0; shard_ < count;) {
    if (shard_ < finished_.size() && finished_[shard_]) {
      ++shard_;
    } else {
      next_shard();
    }
  }
  path_ = options_.prefix + ".index" + options_.suffix;
  add_partitioned();
  const std::string index = index_.finish(shard_, big_endian);
  OutputFile file(path_, OutputFile::Place::kReserved);
  Piece piece{index.data(), index.size()};
  file.append({&piece, 1}, workspace_);
  file.finish(options_.durable);
  return shard_;
}

// The shard that has room for so many bytes.
OutputFile& BundleWriter::shard_for(std::uint64_t size) {
  OutputFile& file = open_shard();
  if (options_.max_shard_bytes == 0 || file.size() == 0 ||
      file.size() + size <= options_.max_shard_bytes) {
    return file;
  }
  next_shard();
  return open_shard();
}

const std::string& BundleWriter::unfinished_shard() {
  if (shard_ >= shards_.size()) {
    shards_.resize(shard_ + 1);
    finished_.resize(shard_ + 1);
  }
  if (finished_[shard_]) throw Error(ErrorCode::kFormat, "the shard is finished already");
  return path_ = unfinished_shard_path(options_, shard_);
}

OutputFile& BundleWriter::open_shard() {
  const std::string& path = unfinished_shard();
  if (shards_[shard_] == nullptr) shards_[shard_] = std::make_unique<OutputFile>(path);
  return *shards_[shard_];
}

void BundleWriter::pad(OutputFile& file) {
  const std::uint64_t over = file.size() % options_.alignment;
  Piece piece{kZeros.data(), static_cast<std::size_t>(over == 0 ? 0 : options_.alignment - over)};
  file.append({&piece, 1}, workspace_);
}

void BundleWriter::record(const NewTensor& tensor, std::uint64_t offset, std::uint64_t size,
                          std::uint32_t crc) {
  entry_.clear();
  entry_.dtype = tensor.dtype;
  entry_.shape.assign(tensor.shape.begin(), tensor.shape.end());
  entry_.shard = static_cast<std::int32_t>(shard_);
  entry_.offset = static_cast<std::int64_t>(offset);
  entry_.size = static_cast<std::int64_t>(size);
  entry_.crc32c = crc;
  if (!is_partial(tensor)) {
    index_.add(tensor.name, entry_);
    return;
  }
  index_.add(encode_slice_key(tensor.name, tensor.place->slice), entry_);
  Partitioned& whole = partitioned_
                           .try_emplace(std::string(tensor.name),
                                        Partitioned{tensor.dtype, tensor.place->full_shape, {}})
                           .first->second;
  if (whole.dtype != tensor.dtype || whole.shape != tensor.place->full_shape) {
    throw Error(ErrorCode::kFormat, "slices of one tensor differ in dtype or full shape");
  }
  whole.parts.push_back({shard_, tensor.place->slice});
}

// The entries under the names of partitioned tensors, as merging the shards in order leaves them:
// slices by shard, and as the shard the first that has one.
void BundleWriter::add_partitioned() {
  for (auto& [name, whole] : partitioned_) {
    std::ranges::stable_sort(whole.parts, {}, &Part::shard);
    entry_.clear();
    entry_.dtype = whole.dtype;
    entry_.shape = whole.shape;
    entry_.shard = static_cast<std::int32_t>(whole.parts.front().shard);
    for (Part& part : whole.parts) entry_.slices.push_back(std::move(part.slice));
    index_.add(name, entry_);
  }
}

}  // namespace tensorbundle
