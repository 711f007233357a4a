// Whole ranges as CSV and NDJSON, in pieces, through the real daemon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <zlib.h>

#include "http/edge/limits.hpp"
#include "http/support/raw_client.hpp"
#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "pipelines/model/time.hpp"
#include "storage/base/limits.hpp"
#include "support/await.hpp"

namespace factory::test {
namespace {

using factory::test::raw_client;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t start_us = 1'705'658'400'000'000, step_us = 100'000;
constexpr std::size_t body_readings = 100'000;
const std::string csv_head = "sensor_id,timestamp,value,flags\r\n";
const http_client::header_map as_csv{{"Accept", "text/csv"}};

double value_of(std::size_t i) { return static_cast<double>(i * 7'919 % 20'011) / 100; }

std::string row(std::uint32_t sensor, std::size_t i) {
  char value[32];
  const auto end = std::to_chars(value, value + sizeof value, value_of(i)).ptr;
  return fmt::format("{},{},{},\r\n", sensor, format_time(start_us + static_cast<std::int64_t>(i) * step_us),
                     std::string_view(value, end));
}
std::string rows(std::uint32_t sensor, std::size_t begin, std::size_t end) {
  std::string out;
  for (std::size_t i = begin; i < end; ++i) out += row(sensor, i);
  return out;
}

/// A daemon with one sensor and `count` readings, 100 ms apart.
struct exporting : fresh_daemon {
  explicit exporting(std::size_t count, std::vector<std::string> options = {}) : fresh_daemon(std::move(options)) {
    for (std::size_t begin = 0; begin < count; begin += body_readings) {
      std::string body;
      for (std::size_t i = begin; i < std::min(count, begin + body_readings); ++i)
        fmt::format_to(std::back_inserter(body), "{}{}", body.empty() ? "" : ",", value_of(i));
      body = fmt::format(R"({{"sensor_id":{},"start":{},"interval_ms":100,"values":[{}]}})", sensor,
                         start_us / 1'000 + static_cast<std::int64_t>(begin) * 100, body);
      EXPECT_EQ(api.post("/api/readings/bulk", body).status, 201U);
    }
  }
  answer get(const std::string& query, const http_client::header_map& headers = as_csv) {
    return api.send("GET", target + query, {}, headers);
  }
  std::string request(const std::string& query = {}, const std::string& version = "1.1", const std::string& fields = {}) const {
    return "GET " + target + query + " HTTP/" + version + "\r\nHost: a\r\nAccept: text/csv\r\n" + fields + "\r\n";
  }
  /// A client that has asked for everything and reads no further than the head of the answer.
  std::unique_ptr<raw_client> stalled(const std::string& query = {}, const std::string& fields = {}) {
    auto client = std::make_unique<raw_client>(process.api_port(), 4'096);
    client->send(request(query, "1.1", fields));
    EXPECT_THAT(client->read_until("\r\n\r\n"), HasSubstr("HTTP/1.1 200 "));
    return client;
  }
  std::uint64_t streams() { return metric(api, "factory_http_streams"); }

  http_client api{process.api_port()};
  std::uint32_t sensor = add_sensors(api, 1).at(0);
  std::string target = fmt::format("/api/sensors/{}/readings", sensor);
};

/// The data of the chunks that `sent` begins with; `whole` when the last one is there.
struct chunks {
  explicit chunks(std::string_view sent) {
    for (;;) {
      const std::size_t end = sent.find("\r\n"), size = std::strtoul(std::string(sent.substr(0, 8)).c_str(), nullptr, 16);
      if (end == std::string_view::npos) return;
      whole = size == 0;
      if (whole) return;
      data += sent.substr(end + 2, size);
      sent.remove_prefix(std::min(sent.size(), end + 2 + size + 2));
    }
  }
  std::string data;
  bool whole = false;
};

std::string gunzip(const std::string& packed) {
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string plain;
  for (int state = Z_OK; state == Z_OK;) {
    std::string piece(1UL << 20, '\0');
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    state = inflate(&stream, Z_NO_FLUSH);
    plain.append(piece, 0, piece.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  return plain;
}

TEST(export_readings, of_a_million_is_what_was_posted_in_every_form_and_order) {
  constexpr std::size_t count = 1'000'000;
  exporting from(count);
  const std::string all = rows(from.sensor, 0, count);
  const auto up = from.get("");
  EXPECT_EQ(up.headers.at("transfer-encoding"), "chunked");
  EXPECT_FALSE(up.headers.contains("x-next-cursor"));
  EXPECT_TRUE(up.body == csv_head + all);

  std::string backwards = csv_head;
  for (std::size_t i = count; i > 0; --i) backwards += row(from.sensor, i - 1);
  EXPECT_TRUE(from.get("?order=desc").body == backwards);

  const auto packed = from.get("", {{"Accept", "text/csv"}, {"Accept-Encoding", "gzip"}});
  EXPECT_EQ(packed.headers.at("content-encoding"), "gzip");
  EXPECT_LT(packed.body.size() * 3, all.size());
  EXPECT_TRUE(gunzip(packed.body) == up.body);

  const auto part = from.get(fmt::format("?from={}&to={}", start_us / 1'000 + 100'000, start_us / 1'000 + 90'000'000));
  EXPECT_TRUE(part.body == csv_head + rows(from.sensor, 1'000, 900'000));

  const auto lines = from.get("", {{"Accept", "application/x-ndjson"}});
  const std::string first = fmt::format(R"({{"id":{},"sensor_id":{},"value":0.0,"timestamp":"2024-01-19T10:00:00Z","flags":[]}})",
                                        start_us, from.sensor);
  EXPECT_TRUE(lines.body.starts_with(first + "\n"));
  std::size_t line = 0;
  for (std::size_t at = 0; at < lines.body.size(); at = lines.body.find('\n', at) + 1, ++line) {
    const std::string begin = fmt::format(R"({{"id":{},)", start_us + static_cast<std::int64_t>(line) * step_us);
    ASSERT_EQ(lines.body.substr(at, begin.size()), begin);
  }
  EXPECT_EQ(line, count);
}

TEST(export_readings, that_are_few_come_as_one_body_with_length_and_etag_and_with_a_limit_or_cursor_as_a_page) {
  exporting from(3'000);
  const auto whole = from.get("");
  EXPECT_EQ(whole.body, csv_head + rows(from.sensor, 0, 3'000));
  EXPECT_EQ(whole.headers.at("content-length"), std::to_string(whole.body.size()));
  EXPECT_EQ(from.get("", {{"Accept", "text/csv"}, {"If-None-Match", whole.headers.at("etag")}}).status, 304U);
  const auto page = from.get("?limit=5");
  EXPECT_EQ(page.body, csv_head + rows(from.sensor, 0, 5));
  const auto next = from.get("?cursor=" + page.headers.at("x-next-cursor"));
  EXPECT_EQ(next.body, csv_head + rows(from.sensor, 5, 1'005));
  EXPECT_EQ(from.get("?from=5&to=5").body, csv_head);
  EXPECT_EQ(from.get("?from=x").status, 400U);
}

TEST(export_readings, to_http_1_0_goes_on_to_the_end_of_the_connection_and_head_asks_for_nothing) {
  exporting from(30'000);
  raw_client old(from->api_port());
  old.send(from.request({}, "1.0"));
  EXPECT_THAT(old.read_until("\r\n\r\n"), Not(HasSubstr("Transfer-Encoding")));
  EXPECT_TRUE(old.read_to_end() == csv_head + rows(from.sensor, 0, 30'000));
  raw_client client(from->api_port());
  client.send("HEAD" + from.request().substr(3) + from.request() + "GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("chunked"));
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("chunked"));
  EXPECT_TRUE(chunks(client.read_until("\r\n0\r\n\r\n")).data == csv_head + rows(from.sensor, 0, 30'000));
  EXPECT_THAT(client.read_answer(), HasSubstr(R"({"status":"ok"})"));
}

std::size_t memory_bytes(daemon& of, std::string_view name) {
  std::ifstream status(fmt::format("/proc/{}/status", of.process().pid()));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name)) return std::stoul(line.substr(name.size() + 1)) << 10;
  throw std::runtime_error("no such figure of memory");
}

TEST(export_readings, costs_bounded_memory_while_nobody_reads_and_is_let_go_of_with_its_readers) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the peak of memory is the sanitizer's, and it is slower to begin 64 streams than one may stand still";
#endif
  exporting from(500'000);  // 17 MB of CSV: more than the kernel takes for a connection
  from.get("");
  const std::size_t before = memory_bytes(from.process, "VmRSS:");
  std::ofstream(fmt::format("/proc/{}/clear_refs", from->process().pid())) << "5";  // the peak begins anew
  std::vector<std::unique_ptr<raw_client>> clients;
  while (clients.size() < limits::streams) clients.push_back(from.stalled(clients.size() % 2 == 0 ? "" : "?order=desc"));
  EXPECT_EQ(from.streams(), limits::streams);
  // Each thread may be decoding a step, which is let go of at once.
  constexpr std::size_t threads = 8, step_bytes = 16 * limits::block_readings * 17 * 3;
  EXPECT_LE(memory_bytes(from.process, "VmHWM:"), before + limits::streams * limits::stream_bytes + threads * step_bytes);

  const auto refused = from.get("");
  EXPECT_EQ(refused.status, 503U) << "one more than may be at once";
  EXPECT_TRUE(refused.headers.contains("retry-after"));
  EXPECT_EQ(from.get("?limit=10000").status, 200U) << "a page is no stream";

  const std::uint64_t cut = metric(from.api, "factory_http_streams_cut_total");
  clients.clear();
  await([&] { return from.streams() == 0; }, "the streams to be let go of");
  EXPECT_EQ(metric(from.api, "factory_http_streams_cut_total"), cut + limits::streams);
  EXPECT_TRUE(from.get("").body == csv_head + rows(from.sensor, 0, 500'000));
}

TEST(export_readings, has_what_was_there_at_the_request_and_of_what_comes_meanwhile_what_lies_ahead_within_the_range) {
  constexpr std::size_t count = 500'000;
  exporting from(count);
  const auto reader = from.stalled("", "Connection: close\r\n");
  const auto at = [](std::size_t i, std::int64_t off_us) { return start_us + static_cast<std::int64_t>(i) * step_us + off_us; };
  store(from.api, {{from.sensor, at(0, 1), 1.5}, {from.sensor, at(count - 2, 1), 2.5}, {from.sensor, at(count, 0), 3.5}});
  const chunks got(reader->read_to_end());
  EXPECT_TRUE(got.whole);
  const std::string ahead = fmt::format("{},{},2.5,\r\n", from.sensor, format_time(at(count - 2, 1)));
  EXPECT_TRUE(got.data == csv_head + rows(from.sensor, 0, count - 1) + ahead + row(from.sensor, count - 1));
}

TEST(export_readings, of_a_sensor_that_is_deleted_meanwhile_is_cut_off) {
  exporting from(500'000);
  const auto reader = from.stalled();
  EXPECT_EQ(from.api.del(fmt::format("/api/sensors/{}", from.sensor)).status, 204U);
  EXPECT_FALSE(chunks(reader->read_to_end()).whole);
  await([&] { return from.streams() == 0; }, "the stream to be let go of");
}

TEST(export_readings, in_flight_on_sigint_is_ended_when_its_client_reads_it_and_the_process_ends_with_0) {
  exporting from(500'000);
  auto reader = from.stalled();
  from->process().signal(SIGINT);
  await([&] { return !raw_client(from->api_port()).connected(); }, "the listener to close");
  const chunks got(reader->read_to_end());
  EXPECT_TRUE(got.whole);
  EXPECT_TRUE(got.data == csv_head + rows(from.sensor, 0, 500'000));
  const auto ended = from->process().wait(std::chrono::seconds(120));
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 0);
}

TEST(export_readings, that_nobody_reads_is_cut_off_on_sigterm_when_the_drain_time_is_over) {
  exporting from(500'000, {"--drain-time", "10ms"});
  const auto reader = from.stalled();
  EXPECT_EQ(from.process.stop(), 0);
  EXPECT_FALSE(chunks(reader->read_to_end()).whole);
}

}  // namespace
}  // namespace factory::test
