//! Tiles to a picture: each output is the pixels of its tile, RGB with 8 bits, row by row.

use std::io::Write;

use tallystick_protocol::split::{self, SplitError, Tile};

use crate::specify::TileGrid;

/// Bytes of a pixel.
const PIXEL: usize = 3;

/// Most pixels of a picture that is put together: 256 million, 768 MB in memory.
const MOST_PIXELS: u64 = 1 << 28;

/// A picture that gets its tiles one by one.
#[derive(Clone, Debug)]
pub struct Picture {
    grid: TileGrid,
    tiles: Vec<Tile>,
    pixels: Vec<u8>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// No tiles.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Too large to be put together here.
    #[error("{pixels} pixels are more than the {MOST_PIXELS} of a picture; use the raw output")]
    TooLarge {
        /// How many.
        pixels: u64,
    },
    /// The picture has no such tile.
    #[error("slice {slice} is no tile of this picture; give the specification of the job")]
    NoTile {
        /// The slice.
        slice: u64,
    },
    /// The output is not the pixels of the tile.
    #[error(
        "the output of slice {slice} has {found} bytes, its tile {expected} (3 for each pixel); \
         use the raw output"
    )]
    Length {
        /// The slice.
        slice: u64,
        /// Bytes of the tile.
        expected: usize,
        /// Bytes of the output.
        found: usize,
    },
    /// It cannot be written.
    #[error("the picture cannot be written; check space and permissions")]
    Write(#[source] png::EncodingError),
}

impl Picture {
    /// A black picture.
    ///
    /// # Errors
    ///
    /// [`PictureError`] when the grid has no tiles or too many pixels.
    pub fn new(grid: TileGrid) -> Result<Self, PictureError> {
        let tiles = split::tiles(grid.width, grid.height, grid.across, grid.down)?;
        let pixels = u64::from(grid.width) * u64::from(grid.height);
        if pixels > MOST_PIXELS {
            return Err(PictureError::TooLarge { pixels });
        }
        let bytes = whole(grid.width) * whole(grid.height) * PIXEL;
        Ok(Self { grid, tiles, pixels: vec![0; bytes] })
    }

    /// Puts the output of a slice in its place.
    ///
    /// # Errors
    ///
    /// [`PictureError`] when there is no such tile, or the bytes are not its pixels.
    pub fn place(&mut self, slice: u64, bytes: &[u8]) -> Result<(), PictureError> {
        let tile = usize::try_from(slice).ok().and_then(|slice| self.tiles.get(slice));
        let tile = *tile.ok_or(PictureError::NoTile { slice })?;
        let row = whole(tile.width) * PIXEL;
        let (expected, found) = (row * whole(tile.height), bytes.len());
        if expected != found {
            return Err(PictureError::Length { slice, expected, found });
        }
        for (line, pixels) in (whole(tile.y)..).zip(bytes.chunks_exact(row)) {
            let start = (line * whole(self.grid.width) + whole(tile.x)) * PIXEL;
            self.pixels[start..start + row].copy_from_slice(pixels);
        }
        Ok(())
    }

    /// Writes the picture as PNG.
    ///
    /// # Errors
    ///
    /// [`PictureError::Write`].
    pub fn write_png(&self, output: impl Write) -> Result<(), PictureError> {
        let mut encoder = png::Encoder::new(output, self.grid.width, self.grid.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(PictureError::Write)?;
        writer.write_image_data(&self.pixels).map_err(PictureError::Write)?;
        writer.finish().map_err(PictureError::Write)
    }
}

fn whole(pixels: u32) -> usize {
    usize::try_from(pixels).expect("32 bits are a size here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_come_back_as_the_picture_that_they_were_cut_from() {
        let grid: TileGrid = "5x3/2x2".parse().unwrap();
        let mut picture = Picture::new(grid).unwrap();
        let tiles = split::tiles(5, 3, 2, 2).unwrap();
        for (slice, tile) in (0..).zip(&tiles) {
            let mut bytes = Vec::new();
            for y in tile.y..tile.y + tile.height {
                for x in tile.x..tile.x + tile.width {
                    bytes.extend([u8::try_from(x).unwrap(), u8::try_from(y).unwrap(), 7]);
                }
            }
            picture.place(slice, &bytes).unwrap();
        }
        let mut file = Vec::new();
        picture.write_png(&mut file).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.height), (5, 3));
        for (number, pixel) in pixels.chunks_exact(3).enumerate() {
            let place = [u8::try_from(number % 5).unwrap(), u8::try_from(number / 5).unwrap(), 7];
            assert_eq!(pixel, place);
        }
    }

    #[test]
    fn what_is_no_tile_is_refused_and_changes_nothing() {
        let mut picture = Picture::new("4x4/2x2".parse().unwrap()).unwrap();
        let short = picture.place(0, &[1; 11]);
        assert!(matches!(short, Err(PictureError::Length { slice: 0, expected: 12, found: 11 })));
        assert!(matches!(picture.place(4, &[1; 12]), Err(PictureError::NoTile { slice: 4 })));
        assert!(picture.pixels.iter().all(|byte| *byte == 0));
        let large = Picture::new("65536x65536/64x64".parse().unwrap());
        assert!(matches!(large, Err(PictureError::TooLarge { .. })));
    }
}
