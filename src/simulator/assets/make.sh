#!/bin/sh
# Regenerates the simulator's loops: four seconds of drifting colour in three shapes (H.264
# baseline, 6 frames a second) and two seconds of a soft chord (AAC, 16 kHz, mono). The simulator
# repeats their samples to the asked duration, so picture and sound are periodic: every loop joins.
# Each file holds one track in one chunk; `loops.rs` relies on it. Needs ffmpeg with libx264.
set -eu
cd "$(dirname "$0")"

picture() { # name width height
    wave='sin(2*PI*(X/W*0.6+Y/H*0.3+T/4))'
    glow='sin(2*PI*(X/W*0.2-Y/H*0.7-T/4)+1)'
    ffmpeg -v error -y -f lavfi -i "color=black:s=$2x$3:r=6:d=4,format=gbrp,\
geq=r='110+90*$wave':g='70+45*$glow+20*$wave':b='130+80*$glow',format=yuv420p" \
        -c:v libx264 -profile:v baseline -preset veryslow -crf 36 -g 24 -keyint_min 24 -sc_threshold 0 \
        -x264-params "force-cfr=1:info=0" -bsf:v 'filter_units=remove_types=6' \
        -map_metadata -1 -fflags +bitexact -flags:v +bitexact -video_track_timescale 6000 "$1.mp4"
}

picture landscape 320 180
picture portrait 180 320
picture square 240 240

# Every tone makes a whole number of turns in 32 frames of 1024 samples, and the file is cut from
# the middle of a longer one, where the encoder has settled.
tone='0.10*sin(2*PI*450*t*16000/32768)+0.07*sin(2*PI*567*t*16000/32768)+0.06*sin(2*PI*674*t*16000/32768)'
ffmpeg -v error -y -f lavfi -i "aevalsrc='($tone)*(0.8+0.2*sin(2*PI*t*16000/32768))':s=16000:c=mono:d=7" \
    -c:a aac -b:a 12k -map_metadata -1 -fflags +bitexact -flags:a +bitexact long.m4a
ffmpeg -v error -y -ss 2.048 -i long.m4a -t 2.048 -c copy -map_metadata -1 -fflags +bitexact \
    -use_editlist 0 sound.mp4
rm long.m4a
