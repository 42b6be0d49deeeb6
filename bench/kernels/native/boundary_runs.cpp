// Boundaries of masks on their runs. A mask becomes the intervals of each of its columns; an erosion shortens them at both
// ends and then intersects as many columns as the square is wide, by doubling; the boundary is what it took away.
#include "objects.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace {

struct Interval {
    std::int32_t start, end;  // rows of one column
};

// The intervals of consecutive columns: column c has those from starts[c] to starts[c + 1]. Room is made for many at once and
// kept from mask to mask, because asking for each interval whether there is room takes longer than making it.
struct Columns {
    std::int64_t left = 0;
    std::vector<Interval> inside;
    std::vector<std::size_t> starts{0};
    std::size_t count() const { return starts.size() - 1; }
    std::size_t total() const { return starts.back(); }
    Interval* clear(std::size_t room) {
        if (inside.size() < room) inside.resize(2 * room);
        starts.assign(1, 0);
        return inside.data();
    }
    void close(const Interval* end) { starts.push_back(static_cast<std::size_t>(end - inside.data())); }
};

struct Work {
    Columns mask, eroded, next;
};

void read(const std::uint32_t* runs, std::size_t count, std::int64_t height, std::int64_t pixels, Columns& columns) {
    Interval* into = columns.clear(count + static_cast<std::size_t>(pixels / height) + 1);
    std::int64_t at = 0, below = height;  // `below`: where the column ends
    bool any = false;
    for (std::size_t i = 0; i + 1 < count; i += 2) {
        std::int64_t start = at + runs[i];
        const std::int64_t end = start + runs[i + 1];
        at = end;
        while (start < end) {
            if (!any) {
                columns.left = start / height;
                below = (columns.left + 1) * height;
                any = true;
            }
            for (; start >= below; below += height) columns.close(into);
            const std::int64_t top = below - height, stop = std::min(end, below);
            const bool joins = into != columns.inside.data() + columns.total() && into[-1].end == start - top;
            if (!joins) *into++ = {static_cast<std::int32_t>(start - top), 0};
            into[-1].end = static_cast<std::int32_t>(stop - top);  // the last one goes on after a run of length 0
            start = stop;
        }
    }
    if (any) columns.close(into);
}

void shorten(const Columns& from, std::int64_t width, Columns& columns) {
    Interval* into = columns.clear(from.total());
    columns.left = from.left;
    for (std::size_t c = 0; c < from.count(); ++c) {
        for (std::size_t i = from.starts[c]; i < from.starts[c + 1]; ++i) {
            const std::int64_t start = from.inside[i].start + width, end = from.inside[i].end - width;
            if (start < end) *into++ = {static_cast<std::int32_t>(start), static_cast<std::int32_t>(end)};
        }
        columns.close(into);
    }
}

Interval* intersect(const Columns& from, std::size_t a, std::size_t b, Interval* into) {
    const Interval *p = from.inside.data() + from.starts[a], *q = from.inside.data() + from.starts[b];
    const Interval *p_end = from.inside.data() + from.starts[a + 1], *q_end = from.inside.data() + from.starts[b + 1];
    while (p < p_end && q < q_end) {
        const Interval one = *p, other = *q;
        *into = {std::max(one.start, other.start), std::min(one.end, other.end)};
        into += into->start < into->end;
        p += one.end <= other.end;
        q += other.end <= one.end;
    }
    return into;
}

// Column c becomes what the `wanted` columns from c on share; columns without that many behind them are dropped.
void narrow(Columns& columns, std::size_t wanted, Columns& next) {
    for (std::size_t length = 1; length < wanted;) {
        const std::size_t apart = std::min(length, wanted - length);
        const std::size_t kept = columns.count() > apart ? columns.count() - apart : 0;
        // Two columns share no more intervals than they have together; one more is written and not kept.
        Interval* into = next.clear(2 * columns.total() + 1);
        for (std::size_t c = 0; c < kept; ++c) {
            into = intersect(columns, c, c + apart, into);
            next.close(into);
        }
        next.left = columns.left;
        std::swap(columns, next);
        length += apart;
    }
}

struct Writer {
    std::vector<std::uint32_t>& lengths;
    std::int64_t last = 0;  // where the last run of the inside ended
    std::size_t first;
    void add(std::int64_t start, std::int64_t end) {
        if (start >= end) return;
        if (start == last && lengths.size() > first) {
            lengths.back() += static_cast<std::uint32_t>(end - start);
        } else {
            lengths.push_back(static_cast<std::uint32_t>(start - last));
            lengths.push_back(static_cast<std::uint32_t>(end - start));
        }
        last = end;
    }
};

// Writes mask without eroded; the columns of both are the image's, `height` rows each.
void write_rest(const Columns& mask, const Columns& eroded, std::int64_t height, Writer& writer) {
    for (std::size_t c = 0; c < mask.count(); ++c) {
        const std::int64_t column = mask.left + static_cast<std::int64_t>(c), base = column * height;
        const std::int64_t own = column - eroded.left;
        const bool any = own >= 0 && own < static_cast<std::int64_t>(eroded.count());
        std::size_t p = any ? eroded.starts[static_cast<std::size_t>(own)] : 0;
        const std::size_t stop = any ? eroded.starts[static_cast<std::size_t>(own) + 1] : 0;
        for (std::size_t i = mask.starts[c]; i < mask.starts[c + 1]; ++i) {
            std::int64_t at = mask.inside[i].start;
            for (; p < stop && eroded.inside[p].start < mask.inside[i].end; ++p) {
                writer.add(base + at, base + eroded.inside[p].start);
                at = eroded.inside[p].end;
            }
            writer.add(base + at, base + mask.inside[i].end);
        }
    }
}

void boundary_of(const std::uint32_t* runs, std::size_t count, std::int64_t height, std::int64_t width, Work& work,
                 std::vector<std::uint32_t>& lengths) {
    std::int64_t pixels = 0;
    for (std::size_t i = 0; i < count; ++i) pixels += runs[i];
    if (pixels == 0) return;
    if (pixels % height != 0) throw py::value_error("the runs of a mask sum to whole columns");
    read(runs, count, height, pixels, work.mask);
    shorten(work.mask, width, work.eroded);
    narrow(work.eroded, static_cast<std::size_t>(2 * width + 1), work.next);
    work.eroded.left += width;
    Writer writer{lengths, 0, lengths.size()};
    write_rest(work.mask, work.eroded, height, writer);
    if (writer.last < pixels) lengths.push_back(static_cast<std::uint32_t>(pixels - writer.last));
}

py::tuple boundary_runs(const Contiguous<std::int64_t>& offsets, const Contiguous<std::uint32_t>& lengths,
                        const Contiguous<std::int32_t>& heights, const Contiguous<std::int64_t>& rows,
                        const Contiguous<std::int64_t>& widths) {
    const py::ssize_t count = heights.size(), wanted = rows.size();
    bool fits = offsets.size() == count + 1 && offsets.data()[0] == 0 && offsets.data()[count] == lengths.size();
    for (py::ssize_t g = 0; fits && g < count; ++g) fits = offsets.data()[g] <= offsets.data()[g + 1];
    if (!fits) throw py::value_error("offsets grow from 0 to the number of runs, one more than there are masks");
    if (widths.size() != wanted) throw py::value_error("there is one width for each row");
    for (py::ssize_t i = 0; i < wanted; ++i) {
        const std::int64_t row = rows.data()[i];
        if (row >= count) throw py::value_error("a row lies outside its columns");
        if (row >= 0 && (widths.data()[i] < 1 || heights.data()[row] < 1)) {
            throw py::value_error("widths and heights are at least 1");
        }
    }
    py::array_t<std::int64_t> starts(wanted + 1);
    std::int64_t* const start = starts.mutable_data();
    std::vector<std::uint32_t> found;
    {
        py::gil_scoped_release released;
        Work work;
        for (py::ssize_t i = 0; i < wanted; ++i) {
            start[i] = static_cast<std::int64_t>(found.size());
            const std::int64_t row = rows.data()[i];
            if (row < 0) continue;
            const std::int64_t from = offsets.data()[row], to = offsets.data()[row + 1];
            boundary_of(lengths.data() + from, static_cast<std::size_t>(to - from), heights.data()[row], widths.data()[i],
                        work, found);
        }
        start[wanted] = static_cast<std::int64_t>(found.size());
    }
    return py::make_tuple(starts, py::array_t<std::uint32_t>(static_cast<py::ssize_t>(found.size()), found.data()));
}

}  // namespace

void add_boundary_runs(py::module_& module) {
    module.def("boundary_runs", &boundary_runs, py::arg("offsets"), py::arg("lengths"), py::arg("heights"), py::kw_only(),
               py::arg("rows"), py::arg("widths"), "Twin of bench.kernels.reference.boundary_runs.");
}
