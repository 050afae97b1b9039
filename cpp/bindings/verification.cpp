// Verification of a bundle: done by the core, or planned for those who fetch what it needs.
#include <cstring>

#include "bundle.hpp"

namespace tensorbundle::bindings {

namespace {

// A job as numpy reads it: see _core.pyi.
struct PackedJob {
  std::uint64_t offset;
  std::uint64_t size;
  std::uint64_t row;
  std::uint32_t shard;
  std::uint32_t crc32c;
  std::uint64_t is_strings;
};
static_assert(sizeof(PackedJob) == 40);

// What became of a whole shard: a fault of its own, whatever kept it from being opened.
const char* shard_fault_kind(ErrorCode code) {
  return code == ErrorCode::kMissingFile || code == ErrorCode::kReplaced
             ? fault_kind(code)
             : fault_kind(ErrorCode::kSystem);
}

}  // namespace

py::tuple Bundle::verify(const EntryList& entries, unsigned threads,
                         const py::object& progress) const {
  BulkCall call(threads, progress);
  const Verification result = call.run(
      [&] { return verify_entries(entries, reader_.header(), reader_.shards(), call.options()); });
  return py::make_tuple(result.checked, result.nbytes, finding_tuples(entries, result.findings),
                        lost_tuples(entries, result.lost));
}

py::tuple Bundle::plan_verify(const EntryList& entries, std::int32_t first,
                              std::int32_t last) const {
  VerifyPlan plan;
  {
    const py::gil_scoped_release release;
    plan = plan_entries(entries, reader_.header(), reader_.shards(), first, last);
  }
  std::string columns(plan.jobs.size() * sizeof(PackedJob), '\0');
  for (std::size_t i = 0; i < plan.jobs.size(); ++i) {
    const Job& job = plan.jobs[i];
    const PackedJob packed{
        job.offset, job.size,   static_cast<std::uint64_t>(plan.rows[i]),
        job.shard,  job.crc32c, static_cast<std::uint64_t>(job.layout != Layout::kBytes)};
    std::memcpy(columns.data() + i * sizeof(PackedJob), &packed, sizeof(PackedJob));
  }
  return py::make_tuple(py::bytes(columns), finding_tuples(entries, plan.findings),
                        lost_tuples(entries, plan.lost));
}

void Bundle::give(std::int32_t number, const std::shared_ptr<File>& file) {
  reader_.shards().check(number);
  reader_.give(static_cast<std::uint32_t>(number), file);
}

py::list Bundle::finding_tuples(const EntryList& entries, std::span<const Finding> findings) const {
  py::list list;
  for (const Finding& finding : findings) {
    const ByteView name = entries.name(finding.row);
    const std::int32_t shard = entries.row(finding.row).shard;
    const auto path = reader_.shards().has(shard) ? std::optional(path_of(shard)) : std::nullopt;
    list.append(py::make_tuple(py::bytes(name.data(), name.size()), shard,
                               fault_kind(finding.error.code()),
                               exception_for(finding.error, path, decode_name(name))));
  }
  return list;
}

py::list Bundle::lost_tuples(const EntryList& entries, std::span<const LostShard> lost) const {
  py::list list;
  for (const LostShard& shard : lost) {
    py::list keys;
    for (const std::size_t row : shard.rows) {
      const ByteView name = entries.name(row);
      keys.append(py::bytes(name.data(), name.size()));
    }
    const auto number = static_cast<std::int32_t>(shard.number);
    list.append(py::make_tuple(number, shard_fault_kind(shard.error.code()),
                               exception_for(shard.error, path_of(number)), keys));
  }
  return list;
}

}  // namespace tensorbundle::bindings
