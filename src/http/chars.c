/*
 * chars: the table behind chars.h. A row is 16 bytes; each word below names a kind of byte, and a kind is a sum of
 * bits. Never changes at run time and knows no header.
 */
#include <sys/types.h>

#include "http/chars.h"

#define VISIBLE	(CHAR_VALUE | CHAR_QUOTED | CHAR_TARGET)
#define NO	0						/* control bytes: nowhere */
#define BL	(CHAR_VALUE | CHAR_QUOTED)			/* SP, HTAB, and '"', '<', '>': only in values */
#define HA	(CHAR_VALUE | CHAR_QUOTED | CHAR_TOKEN)		/* '#': starts a fragment, never part of a target */
#define OB	CHAR_VALUE					/* obs-text */
#define BR	VISIBLE						/* brackets, braces, '\', '?': not in paths */
#define TQ	(VISIBLE | CHAR_TOKEN)				/* '^', '`', '|': token characters, not in paths */
#define PA	(VISIBLE | CHAR_PATH)				/* path punctuation that no token has */
#define TP	(VISIBLE | CHAR_PATH | CHAR_TOKEN)		/* path punctuation that tokens have too */
#define AL	(TP | CHAR_HOST)				/* letters and "-._~" */
#define HX	(AL | CHAR_HEX)					/* a-f */
#define DI	(HX | CHAR_DIGIT)

const uint8_t char_bits[256] = {
	NO, NO, NO, NO, NO, NO, NO, NO, NO, BL, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	/* SP  !   "   #   $   %   &   '   (   )   *   +   ,   -   .   / */
	BL, TP, BL, HA, TP, TP, TP, TP, PA, PA, TP, TP, PA, AL, AL, PA,
	/* 0 - 9                               :   ;   <   =   >   ? */
	DI, DI, DI, DI, DI, DI, DI, DI, DI, DI, PA, PA, BL, PA, BL, BR,
	/* @   A - F                   G - O */
	PA, HX, HX, HX, HX, HX, HX, AL, AL, AL, AL, AL, AL, AL, AL, AL,
	/* P - Z                                       [   \   ]   ^   _ */
	AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, BR, BR, BR, TQ, AL,
	/* `   a - f                   g - o */
	TQ, HX, HX, HX, HX, HX, HX, AL, AL, AL, AL, AL, AL, AL, AL, AL,
	/* p - z                                       {   |   }   ~  DEL */
	AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, AL, BR, TQ, BR, AL, NO,
	OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB,
	OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB,
	OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB,
	OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB,
	OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB,
	OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB,
	OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB,
	OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB, OB,
};
