// Jobs for the bulk room: shards of random bytes, ranges of them, and where these go.
#pragma once

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "temporary_file.hpp"
#include "tensorbundle/base/crc32c.hpp"
#include "tensorbundle/reading/bulk.hpp"

namespace bulk_work {

using namespace tensorbundle;

inline std::string random_bytes(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// Shards and jobs over them, each with memory of its own. One room ends what the next begins, so
// that a sanitizer sees a job write past its end.
struct Work {
  std::uint32_t add_shard(std::string bytes) {
    contents.push_back(std::move(bytes));
    files.push_back(std::make_unique<TemporaryFile>(contents.back()));
    opened.push_back(files.back()->open());
    return static_cast<std::uint32_t>(files.size() - 1);
  }

  std::size_t add_job(std::uint32_t shard, std::uint64_t offset, std::uint64_t size,
                      bool copied = true) {
    Job job;
    job.shard = shard;
    job.offset = offset;
    job.size = size;
    job.count = size;
    job.file = opened[shard].get();
    if (offset < contents[shard].size()) {
      job.crc32c = crc32c(ByteView(contents[shard]).substr(offset, size));
    }
    rooms.push_back(copied ? std::make_unique<char[]>(size) : nullptr);
    job.into = rooms.back().get();
    jobs.push_back(job);
    return jobs.size() - 1;
  }

  // Strings or variants, which are stored alone.
  std::size_t add_elements(const std::string& bytes, std::uint32_t crc, std::uint64_t count,
                           Layout layout) {
    const std::size_t i = add_job(add_shard(bytes), 0, bytes.size(), false);
    jobs[i].count = count;
    jobs[i].layout = layout;
    jobs[i].crc32c = crc;
    return i;
  }

  void flip(std::uint32_t shard, std::uint64_t at) {
    contents[shard][at] ^= 1;
    files[shard]->write(contents[shard]);
  }

  [[nodiscard]] std::vector<Failure> run(unsigned threads = 1) const {
    return run_jobs(jobs, {threads, {}});
  }

  // That all succeed, and every room holds its bytes.
  void check_all(unsigned threads) const {
    const auto failures = run(threads);
    if (!failures.empty()) throw failures.front().error;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (rooms[i] == nullptr) continue;
      const ByteView expected =
          ByteView(contents[jobs[i].shard])
              .substr(std::min(jobs[i].offset, contents[jobs[i].shard].size()), jobs[i].size);
      CHECK(ByteView(rooms[i].get(), jobs[i].size) == expected);
    }
  }

  std::vector<std::string> contents;
  std::vector<std::unique_ptr<TemporaryFile>> files;
  std::vector<std::shared_ptr<const File>> opened;
  std::vector<std::unique_ptr<char[]>> rooms;
  std::vector<Job> jobs;
};

// One kind of failure for exactly these jobs.
inline void check_failures(const std::vector<Failure>& failures,
                           const std::vector<std::size_t>& jobs, ErrorCode code) {
  CHECK_EQ(failures.size(), jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    CHECK_EQ(failures[i].job, jobs[i]);
    CHECK(failures[i].error.code() == code);
  }
}

// Small ranges in three shards, with gaps small and large, overlaps and empties, in no order.
inline void add_small_jobs(Work& work) {
  std::mt19937_64 random(7);
  for (unsigned shard = 0; shard < 3; ++shard) {
    work.add_shard(random_bytes(3 << 20, shard));
    std::uint64_t at = 0;
    while (at < (3 << 20) - 50'000) {
      const std::uint64_t size = random() % 20 == 0 ? 0 : random() % 9000;
      work.add_job(shard, at, size, random() % 4 != 0);
      if (random() % 10 == 0) work.add_job(shard, at + size / 2, size / 3);
      at += random() % 15 == 0 ? size + random() % 20'000 : size;
    }
    work.add_job(shard, std::uint64_t{1} << 40, 0);  // empty, beyond the end
  }
  std::shuffle(work.jobs.begin(), work.jobs.end(), random);
  // The rooms follow their jobs.
  std::vector<std::unique_ptr<char[]>> rooms(work.jobs.size());
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    if (work.jobs[i].into != nullptr) rooms[i] = std::make_unique<char[]>(work.jobs[i].size);
    work.jobs[i].into = rooms[i].get();
  }
  work.rooms = std::move(rooms);
}

}  // namespace bulk_work
