#include "index.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace tensorbundle {

namespace {

// A key at a restart point is stored whole, and writers put one at every 16th entry; so names
// larger than 16 times the file come from nobody but an attacker.
constexpr std::uint64_t kMaxNameGrowth = 32;
constexpr std::uint64_t kNameAllowance = 1 << 20;

}  // namespace

ByteView EntryList::name(std::size_t i) const {
  const std::uint64_t begin = rows_[i].name_begin;
  const std::uint64_t end = i + 1 < rows_.size() ? rows_[i + 1].name_begin : names_.size();
  return ByteView(names_).substr(begin, end - begin);
}

StoredRange EntryList::range(std::size_t i) const {
  const Row& row = rows_[i];
  return {row.dtype, row.shard, row.offset, row.size, row.crc32c, {shape(row), row.rank}};
}

std::optional<std::size_t> EntryList::find(ByteView key) const {
  std::size_t low = 0;
  std::size_t high = size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (name(middle) < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == size() || name(low) != key) return {};
  return low;
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
  return {row.dtype, {shape(row), shape(row) + row.rank}, row.shard, row.offset, row.size,
          row.crc32c, slices(i)};
}

// Fills an EntryList from the blocks of a table, in order.
class EntryListBuilder {
 public:
  explicit EntryListBuilder(const Table& table) : table_(table) {}

  void add_block(std::size_t block, BlockBuffers& buffers) {
    const ByteView contents = table_.read_block(block, buffers);
    max_names_ += kMaxNameGrowth * contents.size();
    BlockCursor cursor(contents, table_.handle(block).offset);
    while (cursor.next()) add(cursor);
  }

  EntryList finish() {
    hide_slices();
    return std::move(list_);
  }

 private:
  void add(const BlockCursor& cursor) {
    const std::uint64_t at = cursor.value_offset();
    if (cursor.key().empty()) {
      if (!list_.rows_.empty()) {
        throw Error(ErrorCode::kFormat, "keys of the index are out of order", at);
      }
      return;  // the header
    }
    if (!list_.rows_.empty() && cursor.key() <= list_.name(list_.size() - 1)) {
      throw Error(ErrorCode::kFormat, "keys of the index are out of order or occur twice", at);
    }
    if (list_.names_.size() + cursor.key().size() > max_names_) {
      throw Error(ErrorCode::kFormat, "names take far more room than the index that holds them",
                  at);
    }
    const std::size_t row = list_.size();
    std::optional<Error> error;
    try {
      decode_entry(cursor.value(), at, entry_);
    } catch (const Error& caught) {
      error = caught;
      entry_.clear();
    }
    const bool has_extra = error || !entry_.slices.empty();
    list_.rows_.push_back({list_.names_.size(), entry_.offset, entry_.size,
                           list_.shapes_.size(), entry_.crc32c, entry_.dtype, entry_.shard,
                           static_cast<std::uint8_t>(entry_.shape.size()), false, has_extra});
    list_.names_.append(cursor.key());
    list_.shapes_.insert(list_.shapes_.end(), entry_.shape.begin(), entry_.shape.end());
    if (has_extra) list_.extras_.push_back({row, entry_.slices, std::move(error)});
  }

  // A user's name may begin with a zero byte too: only a key that some entry lists is a slice.
  void hide_slices() {
    for (const EntryList::Extra& extra : list_.extras_) {
      for (const SliceSpec& slice : extra.slices) {
        const auto found = list_.find(encode_slice_key(list_.name(extra.row), slice));
        if (found && *found != extra.row) list_.rows_[*found].is_slice = true;
      }
    }
  }

  const Table& table_;
  EntryList list_;
  Entry entry_;
  std::uint64_t max_names_ = kNameAllowance;
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
