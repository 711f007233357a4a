// Packed bodies and answers, ETag and CORS, through the real daemon.
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <zlib.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {
namespace {

std::string gzip(const std::string& plain) {
  z_stream stream{};
  deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

TEST(coding, packed_bodies_are_stored_and_answers_come_packed_and_not_twice) {
  fresh_daemon daemon({"--cors-origin", "https://plant.example"});
  http_client api(daemon->api_port());
  const auto sensor = add_sensors(api, 1).at(0);
  std::vector<reading> readings;
  for (int i = 0; i < 2'000; ++i) readings.push_back({sensor, i * 1'000'000, i * 0.5});
  const http_client::header_map packed{{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}};
  const auto stored = api.send("POST", "/api/readings/bulk?precision=us", gzip(rows_json(readings)), packed);
  EXPECT_EQ(stored.status, 201U) << stored.body;
  EXPECT_EQ(readings_of(api, sensor), readings);

  const std::string bomb = gzip(std::string(70UL << 20, ' '));
  EXPECT_EQ(api.send("POST", "/api/readings/bulk", bomb, packed).status, 413U);
  EXPECT_EQ(api.send("POST", "/api/readings/bulk", "no gzip", packed).status, 400U);

  const std::string page = fmt::format("/api/sensors/{}/readings", sensor);
  const auto plain = api.get(page), small = api.send("GET", page, {}, {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(small.headers.at("content-encoding"), "gzip");
  EXPECT_LT(small.body.size() * 4, plain.body.size());
  EXPECT_EQ(api.send("GET", page, {}, {{"If-None-Match", plain.headers.at("etag")}}).status, 304U);
  store(api, {{sensor, 0, 77}});
  EXPECT_EQ(api.send("GET", page, {}, {{"If-None-Match", plain.headers.at("etag")}}).status, 200U);

  const auto other = api.send("GET", "/health", {}, {{"Origin", "https://plant.example"}});
  EXPECT_EQ(other.headers.at("access-control-allow-origin"), "https://plant.example");
  EXPECT_EQ(daemon.process.stop(), 0);
}

}  // namespace
}  // namespace factory::test
