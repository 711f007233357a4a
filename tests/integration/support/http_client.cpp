#include "integration/support/http_client.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include <rapidjson/error/en.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace factory::test {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;

rapidjson::Document answer::json() const {
  rapidjson::Document out;
  out.Parse<rapidjson::kParseFullPrecisionFlag>(body.data(), body.size());
  if (out.HasParseError())
    throw std::runtime_error("not JSON (" + std::string(rapidjson::GetParseError_En(out.GetParseError())) + "): " + body);
  return out;
}

struct http_client::impl {
  std::uint16_t port;
  boost::asio::io_context context{1};
  std::optional<tcp::socket> socket;
  boost::beast::flat_buffer buffer;

  explicit impl(std::uint16_t to) : port(to) {}

  void connect() {
    buffer.clear();
    socket.emplace(context);
    socket->connect({boost::asio::ip::make_address_v4("127.0.0.1"), port});
    socket->set_option(tcp::no_delay(true));
  }

  answer exchange(const http::request<http::string_body>& request) {
    http::response_parser<http::string_body> parser;
    parser.body_limit(boost::none);
    parser.skip(request.method() == http::verb::head);
    // An early refusal (413) may end the connection while the body is still being sent: the answer counts.
    boost::system::error_code written;
    http::write(*socket, request, written);
    http::read(*socket, buffer, parser);
    const auto response = parser.release();
    answer out{response.result_int(), {}, response.body()};
    for (const auto& field : response) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      out.headers[name] = std::string(field.value());
    }
    if (!response.keep_alive()) socket.reset();
    return out;
  }
};

http_client::http_client(std::uint16_t port) : impl_(std::make_unique<impl>(port)) {}
http_client::~http_client() = default;
http_client::http_client(http_client&&) noexcept = default;
http_client& http_client::operator=(http_client&&) noexcept = default;

answer http_client::send(std::string_view method, std::string_view target, std::string_view body, const header_map& headers) {
  http::request<http::string_body> request;
  request.version(11);
  request.method_string({method.data(), method.size()});
  request.target({target.data(), target.size()});
  request.set(http::field::host, "127.0.0.1");
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = std::string(body);
  if (!body.empty() || method == "POST" || method == "PATCH") request.content_length(body.size());
  try {
    if (!impl_->socket) impl_->connect();
    return impl_->exchange(request);
  } catch (const boost::system::system_error& lost) {
    impl_->socket.reset();
    throw connection_lost(lost.what());
  }
}

}  // namespace factory::test
