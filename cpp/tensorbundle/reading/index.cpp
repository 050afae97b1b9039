#include "tensorbundle/reading/index.hpp"

#include <algorithm>
#include <utility>

namespace tensorbundle {

ByteView EntryList::name(std::size_t i) const {
  const std::size_t begin = rows_[i].name_begin;
  const std::size_t end = i + 1 < rows_.size() ? rows_[i + 1].name_begin : names_.size();
  return {names_.data() + begin, end - begin};
}

StoredRange EntryList::range(std::size_t i) const {
  const Row& row = rows_[i];
  return {row.dtype, row.shard, row.offset, row.size, row.crc32c, {shape(row), row.rank}};
}

std::size_t EntryList::lower_bound(std::size_t low, std::size_t high, std::size_t skip,
                                   ByteView key) const {
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (name(middle).substr(skip) < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<std::size_t> EntryList::find(ByteView key) const {
  const std::size_t row = lower_bound(0, size(), 0, key);
  if (row == size() || name(row) != key) return {};
  return row;
}

const EntryList::Extra* EntryList::extra(std::size_t i) const {
  if (!rows_[i].has_extra) return nullptr;
  return &*std::lower_bound(extras_.begin(), extras_.end(), i,
                            [](const Extra& extra, std::size_t row) { return extra.row < row; });
}

const Error* EntryList::error(std::size_t i) const {
  const Extra* const found = extra(i);
  return found != nullptr && found->error ? &*found->error : nullptr;
}

const std::vector<SliceSpec>& EntryList::slices(std::size_t i) const {
  static const std::vector<SliceSpec> kNone;
  const Extra* const found = extra(i);
  return found != nullptr ? found->slices : kNone;
}

Entry EntryList::entry(std::size_t i) const {
  if (const Error* const found = error(i)) throw *found;
  const Row& row = rows_[i];
  return {
      row.dtype, {shape(row), shape(row) + row.rank}, row.shard, row.offset, row.size, row.crc32c,
      slices(i)};
}

// Fills an EntryList from the blocks of a table, in order.
class EntryListBuilder {
 public:
  explicit EntryListBuilder(const Table& table) : table_(table) {}

  void add_block(std::size_t block, BlockBuffers& buffers) {
    const ByteView contents = table_.read_block(block, buffers);
    BlockCursor cursor(contents, table_.handle(block).offset);
    const std::size_t first = list_.size();
    while (cursor.next()) add(cursor);
    // What find_block() does not lead to could never be found by name.
    if (list_.size() > first && (table_.find_block(list_.name(first)) != block ||
                                 table_.find_block(list_.name(list_.size() - 1)) != block)) {
      throw Error(ErrorCode::kFormat, "keys of the index lie in a block where none looks for them",
                  table_.handle(block).offset);
    }
    if (block == 0) reserve_for_all();
  }

  EntryList finish() {
    hide_slices();
    return std::move(list_);
  }

 private:
  void add(const BlockCursor& cursor) {
    const std::uint64_t at = cursor.value_offset();
    if (cursor.key().empty()) {
      if (has_header_ || !list_.rows_.empty()) {
        throw Error(ErrorCode::kFormat, "keys of the index are out of order or occur twice", at);
      }
      has_header_ = true;
      return;
    }
    if (!list_.rows_.empty() && cursor.key() <= list_.name(list_.size() - 1)) {
      throw Error(ErrorCode::kFormat, "keys of the index are out of order or occur twice", at);
    }
    check_room(cursor.key().size(), at);
    const std::size_t row = list_.size();
    std::optional<Error> error;
    try {
      decode_entry(cursor.value(), at, entry_);
    } catch (const Error& caught) {
      error = caught;
      entry_.clear();
    }
    const bool has_extra = error || !entry_.slices.empty();
    list_.rows_.push_back(
        {entry_.offset, entry_.size, static_cast<std::uint32_t>(list_.names_.size()),
         static_cast<std::uint32_t>(list_.shapes_.size()), entry_.crc32c, entry_.dtype,
         entry_.shard, static_cast<std::uint8_t>(entry_.shape.size()), false, has_extra});
    list_.names_.insert(list_.names_.end(), cursor.key().begin(), cursor.key().end());
    list_.shapes_.insert(list_.shapes_.end(), entry_.shape.begin(), entry_.shape.end());
    if (has_extra) list_.extras_.push_back({row, entry_.slices, std::move(error)});
  }

  void check_room(std::size_t name_size, std::uint64_t at) const {
    // Positions in the arenas are 32-bit numbers.
    if (list_.names_.size() + name_size > UINT32_MAX ||
        list_.shapes_.size() + kMaxDimensions > UINT32_MAX) {
      throw Error(ErrorCode::kUnsupported, "the index has more than 4 GiB of names or shapes", at);
    }
  }

  // Blocks are of one size, so the first one tells about how much there will be; growing step by
  // step instead would touch twice the memory.
  void reserve_for_all() {
    const std::size_t blocks = table_.block_count();
    const auto file_size = static_cast<std::size_t>(table_.file().size());
    const auto expected = [&](std::size_t in_first, std::size_t at_most) {
      return std::min(in_first * blocks, at_most);
    };
    // An entry takes at least five bytes, and a dimension two.
    list_.rows_.reserve(expected(list_.rows_.size(), file_size / 5));
    list_.names_.reserve(expected(list_.names_.size(), 2 * file_size));
    list_.shapes_.reserve(expected(list_.shapes_.size(), file_size / 2));
  }

  // A user's name may begin with a zero byte too: only a key that some entry lists is a slice.
  void hide_slices() {
    list_.num_tensors_ = list_.size();
    for (const EntryList::Extra& extra : list_.extras_) {
      if (extra.slices.empty()) continue;
      // A name may be long and its slices many: it is encoded and looked up once for all of them.
      const std::string prefix = encode_slice_name(list_.name(extra.row));
      const std::size_t begin = list_.lower_bound(0, list_.size(), 0, prefix);
      std::size_t end = begin;
      while (end < list_.size() && list_.name(end).starts_with(prefix)) ++end;
      for (const SliceSpec& slice : extra.slices) {
        const std::string extents = encode_slice_extents(slice);
        const std::size_t row = list_.lower_bound(begin, end, prefix.size(), extents);
        if (row < end && list_.name(row).substr(prefix.size()) == extents) {
          // Another tensor may list the same one.
          if (!std::exchange(list_.rows_[row].is_slice, true)) --list_.num_tensors_;
        }
      }
    }
  }

  const Table& table_;
  EntryList list_;
  Entry entry_;
  bool has_header_ = false;
};

Index::Index(std::shared_ptr<const File> file) : table_(std::move(file)) {
  if (table_.block_count() == 0) {
    throw Error(ErrorCode::kFormat, "the index holds no entries, not even a header");
  }
  BlockBuffers buffers;
  BlockCursor cursor(table_.read_block(0, buffers), table_.handle(0).offset);
  if (!cursor.next() || !cursor.key().empty()) {
    throw Error(ErrorCode::kFormat, "the header is missing: the first key is not the empty one",
                table_.handle(0).offset);
  }
  header_ = decode_header(cursor.value(), cursor.value_offset());
}

const EntryList* Index::built() const {
  const std::lock_guard lock(building_);
  return all_.get();
}

std::optional<Entry> Index::find(ByteView key) const {
  if (const EntryList* const entries = built()) {
    const auto row = entries->find(key);
    return row ? std::optional(entries->entry(*row)) : std::nullopt;
  }
  const auto block = table_.find_block(key);
  if (!block || key.empty()) return {};
  BlockBuffers buffers;
  BlockCursor cursor(table_.read_block(*block, buffers), table_.handle(*block).offset);
  if (!cursor.seek(key) || cursor.key() != key) return {};
  Entry entry;
  decode_entry(cursor.value(), cursor.value_offset(), entry);
  return entry;
}

std::shared_ptr<const EntryList> Index::share() const {
  const std::lock_guard lock(building_);
  if (!all_) {
    EntryListBuilder builder(table_);
    BlockBuffers buffers;
    for (std::size_t block = 0; block < table_.block_count(); ++block) {
      builder.add_block(block, buffers);
    }
    all_ = std::make_shared<const EntryList>(builder.finish());
  }
  return all_;
}

std::shared_ptr<const EntryList> Index::salvage(std::vector<BlockFault>& faults) const {
  try {
    return share();
  } catch (const Error&) {
    // Read again below, block by block.
  }
  EntryListBuilder builder(table_);
  BlockBuffers buffers;
  for (std::size_t block = 0; block < table_.block_count(); ++block) {
    try {
      builder.add_block(block, buffers);
    } catch (const Error& error) {
      faults.push_back({block, table_.handle(block), error});
    }
  }
  return std::make_shared<const EntryList>(builder.finish());
}

}  // namespace tensorbundle
