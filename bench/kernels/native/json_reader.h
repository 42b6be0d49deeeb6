// Reads JSON in place, as far as COCO files need it: whatever is unusual is thrown as `Unusual`, and the caller then reads
// the file by the slow and exact way, which also knows what to say of it. Nothing here builds an object.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

struct Unusual {};

class JsonReader {
  public:
    JsonReader(const char* data, std::size_t size) : at_(data), end_(data + size) {}

    char peek() {
        while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
        if (at_ == end_) throw Unusual();
        return *at_;
    }

    void expect(char wanted) {
        if (peek() != wanted) throw Unusual();
        ++at_;
    }

    bool take(char wanted) {
        if (peek() != wanted) return false;
        ++at_;
        return true;
    }

    void end() {
        while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
        if (at_ != end_) throw Unusual();
    }

    const char* position() const { return at_; }

    // Calls `each` at every element of the list that begins here.
    template <typename Each>
    void list(Each each) {
        expect('[');
        if (take(']')) return;
        do each();
        while (take(','));
        expect(']');
    }

    // Calls `each(key)` at every value of the object that begins here; keys with escapes are unusual.
    template <typename Each>
    void object(Each each) {
        expect('{');
        if (take('}')) return;
        do {
            const std::string_view key = plain_text();
            expect(':');
            peek();
            each(key);
        } while (take(','));
        expect('}');
    }

    std::string_view plain_text() {
        expect('"');
        const char* const start = at_;
        while (at_ < end_ && *at_ != '"') {
            if (*at_ == '\\' || static_cast<unsigned char>(*at_) < 0x20) throw Unusual();
            ++at_;
        }
        if (at_ == end_) throw Unusual();
        return {start, static_cast<std::size_t>(at_++ - start)};
    }

    bool null() {
        if (peek() != 'n') return false;
        word("null");
        return true;
    }

    std::int64_t integer() {
        const std::string_view text = number_text();
        std::int64_t value = 0;
        const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (problem != std::errc() || stop != text.data() + text.size()) throw Unusual();
        return value;
    }

    // The double nearest to the text; infinite values are unusual.
    double number() {
        const std::string_view text = number_text();
        double value = 0;
        if (!short_number(text, &value)) value = long_number(text);
        if (!(value - value == 0)) throw Unusual();
        return value;
    }

    bool flag() {
        const char first = peek();
        if (first == 't') return word("true"), true;
        if (first == 'f') return word("false"), false;
        const std::int64_t value = integer();
        return value != 0;
    }

    void skip(int depth = 0) {
        if (depth > 64) throw Unusual();
        switch (peek()) {
            case '{':
                expect('{');
                if (take('}')) return;
                do {
                    skip_text();
                    expect(':');
                    skip(depth + 1);
                } while (take(','));
                return expect('}');
            case '[': return list([&] { skip(depth + 1); });
            case '"': return skip_text();
            case 't': return word("true");
            case 'f': return word("false");
            case 'n': return word("null");
            default: number_text();
        }
    }

    // One character of a text whose opening quote has been read, or -1 at its end; of escapes only \\ and \/ are usual.
    int next_in_text() {
        if (at_ == end_) throw Unusual();
        const char c = *at_++;
        if (c == '"') return -1;
        if (c != '\\') return static_cast<unsigned char>(c);
        if (at_ == end_ || (*at_ != '\\' && *at_ != '/')) throw Unusual();
        return static_cast<unsigned char>(*at_++);
    }

  private:
    static bool digit(char c) { return c >= '0' && c <= '9'; }

    void word(const char* wanted) {
        const std::size_t size = std::strlen(wanted);
        if (static_cast<std::size_t>(end_ - at_) < size || std::memcmp(at_, wanted, size) != 0) throw Unusual();
        at_ += size;
    }

    void skip_text() {
        expect('"');
        while (at_ < end_ && *at_ != '"') {
            if (static_cast<unsigned char>(*at_) < 0x20) throw Unusual();
            if (*at_++ != '\\') continue;
            if (at_ == end_) throw Unusual();
            const char escaped = *at_++;
            if (std::strchr("\"\\/bfnrt", escaped) != nullptr && escaped != '\0') continue;
            if (escaped != 'u' || end_ - at_ < 4) throw Unusual();
            for (int k = 0; k < 4; ++k, ++at_) {
                const bool letter = (*at_ >= 'a' && *at_ <= 'f') || (*at_ >= 'A' && *at_ <= 'F');
                if (!digit(*at_) && !letter) throw Unusual();
            }
        }
        if (at_ == end_) throw Unusual();
        ++at_;
    }

    void digits() {
        if (at_ == end_ || !digit(*at_)) throw Unusual();
        while (at_ < end_ && digit(*at_)) ++at_;
    }

    std::string_view number_text() {
        peek();
        const char* const start = at_;
        if (*at_ == '-') ++at_;
        const char* const whole = at_;
        digits();
        if (*whole == '0' && at_ - whole > 1) throw Unusual();
        if (at_ < end_ && *at_ == '.') ++at_, digits();
        if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
            ++at_;
            if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
            digits();
        }
        return {start, static_cast<std::size_t>(at_ - start)};
    }

    // Up to 15 digits without an exponent: both parts of the quotient are exact, so it is the nearest double.
    static bool short_number(std::string_view text, double* value) {
        static constexpr double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
        if (text.size() > 16) return false;
        const bool negative = text[0] == '-';
        std::int64_t digits = 0;
        std::size_t places = 0, count = 0;
        bool after = false;
        for (const char c : text.substr(negative ? 1 : 0)) {
            if (c == '.') {
                after = true;
            } else if (!digit(c)) {
                return false;
            } else {
                digits = digits * 10 + (c - '0');
                places += after;
                ++count;
            }
        }
        if (count > 15) return false;
        const double size = static_cast<double>(digits) / powers[places];
        *value = negative ? -size : size;
        return true;
    }

    static double long_number(std::string_view text) {
#if defined(__cpp_lib_to_chars)
        double value = 0;
        const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (problem != std::errc() || stop != text.data() + text.size()) throw Unusual();
        return value;
#else
        const std::string copy(text);
        char* stop = nullptr;
        const double value = std::strtod(copy.c_str(), &stop);
        if (stop != copy.c_str() + copy.size()) throw Unusual();
        return value;
#endif
    }

    const char* at_;
    const char* end_;
};
