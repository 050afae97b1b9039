#include "verify.hpp"

#include <algorithm>
#include <string>

namespace tensorbundle {

namespace {

std::string range_text(const Job& job) {
  return "bytes " + std::to_string(job.offset) + "-" + std::to_string(job.offset + job.size);
}

// A name within a message: printable, and of bounded length however long it is.
std::string name_text(ByteView name) {
  constexpr std::size_t kMaxShown = 200;
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : name.substr(0, kMaxShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte <= '~') {
      text.push_back(c);
    } else {
      text.append({'\\', 'x', kDigits[byte >> 4], kDigits[byte & 0xF]});
    }
  }
  return name.size() > kMaxShown ? text + "..." : text;
}

}  // namespace

Verification verify_entries(const EntryList& entries, const Header& header, const Shards& shards,
                            const BulkOptions& options) {
  Verification result;
  std::vector<Job> jobs;
  std::vector<std::size_t> rows;  // by job
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (const Error* const error = entries.error(i)) {
      result.findings.push_back({i, *error});
      continue;
    }
    const EntryList::Row& row = entries.row(i);
    if (row.has_extra) continue;  // partitioned: its slices are entries of their own
    try {
      jobs.push_back(plan(entries.range(i), header, shards));
      rows.push_back(i);
    } catch (const Error& error) {
      result.findings.push_back({i, error});
    }
  }

  std::vector<bool> overlapping(jobs.size());
  for (const Overlap& overlap : overlaps(jobs)) {
    const Job& job = jobs[overlap.job];
    overlapping[overlap.job] = true;
    result.findings.push_back(
        {rows[overlap.job],
         Error(ErrorCode::kOverlap,
               "two tensors claim the same bytes: this one " + range_text(job) + ", '" +
                   name_text(entries.name(rows[overlap.other])) + "' " +
                   range_text(jobs[overlap.other]),
               job.offset, job.size)});
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (overlapping[i]) continue;
    result.nbytes += jobs[i].size;
    rows[kept] = rows[i];
    jobs[kept++] = jobs[i];
  }
  jobs.resize(kept);
  result.checked = kept;

  for (const Failure& failure : run_jobs(jobs, options)) {
    result.findings.push_back({rows[failure.job], failure.error});
  }
  std::stable_sort(result.findings.begin(), result.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.row < b.row; });
  return result;
}

}  // namespace tensorbundle
